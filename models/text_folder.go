package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// tokenIDs is eos_token_id: a number or a list of them.
type tokenIDs []int32

// UnmarshalJSON implements json.Unmarshaler.
func (ids *tokenIDs) UnmarshalJSON(data []byte) error {
	var one int32
	if json.Unmarshal(data, &one) == nil {
		*ids = tokenIDs{one}
		return nil
	}
	var many []int32
	if err := json.Unmarshal(data, &many); err != nil {
		return err
	}
	*ids = many
	return nil
}

// tokenText is a token in tokenizer_config.json: its text, or an object with it.
type tokenText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *tokenText) UnmarshalJSON(data []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if len(data) > 0 && data[0] == '{' {
		err := json.Unmarshal(data, &object)
		*t = tokenText(object.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}

// chatTemplate is the member chat_template: a source, or a list of named ones, of
// which "default" counts.
type chatTemplate string

// UnmarshalJSON implements json.Unmarshaler.
func (t *chatTemplate) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	var named []struct{ Name, Template string }
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	for _, n := range named {
		if n.Name == "default" {
			*t = chatTemplate(n.Template)
		}
	}
	return nil
}

// folderText reads the tokenizer, the chat template and the stop tokens of a
// Hugging Face folder.
func folderText(dir string) (x text, err error) {
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return x, fmt.Errorf("%s: the model has no tokenizer: %w", path, err)
	}
	if x.tokenizer, err = tokenizer.Load(path); err != nil {
		return x, err
	}
	var config struct {
		BOS      tokenText    `json:"bos_token"`
		EOS      tokenText    `json:"eos_token"`
		Template chatTemplate `json:"chat_template"`
	}
	path = filepath.Join(dir, "tokenizer_config.json")
	if err := readJSON(path, &config); err != nil {
		return x, err
	}
	x.bos, x.eos = string(config.BOS), string(config.EOS)
	if id, ok := x.tokenizer.ID(x.eos); ok {
		x.stop(id)
	}
	source, from := string(config.Template), path
	file := filepath.Join(dir, "chat_template.jinja")
	if data, err := os.ReadFile(file); err == nil {
		source, from = string(data), file
	} else if !errors.Is(err, os.ErrNotExist) {
		return x, err
	}
	if err := x.setTemplate(source); err != nil {
		return x, fmt.Errorf("%s: chat template: %w", from, err)
	}
	return x, x.readStops(dir)
}

// readStops adds the stop tokens of config.json and generation_config.json.
func (x *text) readStops(dir string) error {
	for _, name := range []string{"config.json", "generation_config.json"} {
		var file struct {
			EOS tokenIDs `json:"eos_token_id"`
		}
		if err := readJSON(filepath.Join(dir, name), &file); err != nil {
			return err
		}
		for _, id := range file.EOS {
			x.stop(id)
		}
	}
	return nil
}
