package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// tokenIDs is eos_token_id: a number or a list of them.
type tokenIDs []int32

// UnmarshalJSON implements json.Unmarshaler.
func (ids *tokenIDs) UnmarshalJSON(data []byte) error {
	var one *int32
	if json.Unmarshal(data, &one) == nil {
		if one != nil { // not null
			*ids = tokenIDs{*one}
		}
		return nil
	}
	var many []int32
	if err := json.Unmarshal(data, &many); err != nil {
		return err
	}
	*ids = many
	return nil
}

// folderText reads the tokenizer, the chat templates and the stop tokens of a
// Hugging Face folder.
func folderText(dir string) (x text, err error) {
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return x, fmt.Errorf("%s: the model has no tokenizer: %w", path, err)
	}
	if x.tokenizer, err = tokenizer.Load(path); err != nil {
		return x, err
	}
	if x.templates, err = templates.LoadFolder(dir); err != nil {
		return x, err
	}
	x.eos = -1
	if id, ok := x.tokenizer.ID(x.templates.Token("eos_token")); ok {
		x.eos = id
		x.stop(id)
	}
	return x, x.readStops(dir)
}

// readStops adds the stop tokens of config.json, or else of its text_config, and
// of generation_config.json.
func (x *text) readStops(dir string) error {
	for _, name := range []string{"config.json", "generation_config.json"} {
		type stops struct {
			EOS tokenIDs `json:"eos_token_id"`
		}
		var file struct {
			stops
			Text stops `json:"text_config"`
		}
		if err := readJSON(filepath.Join(dir, name), &file); err != nil {
			return err
		}
		if len(file.EOS) == 0 {
			file.EOS = file.Text.EOS
		}
		for _, id := range file.EOS {
			x.stop(id)
		}
	}
	return nil
}
