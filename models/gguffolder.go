package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// FolderConfig is config.json for a folder of the checkpoint: of a folder its own,
// and of a GGUF file what the file says in the words of Hugging Face, with a value
// for each field that mlx-lm wants. What they have no words for is an error.
func (c *Checkpoint) FolderConfig() ([]byte, error) {
	w, ok := c.ck.weights.(*ggufWeights)
	if !ok {
		return c.Config, nil
	}
	config, err := w.config.portable(c.ck)
	if err != nil {
		return nil, fmt.Errorf("models: config.json of %s: %w", c.ck.name, err)
	}
	return config, nil
}

// portable fills in what files leave out.
func (c *ggufConfig) portable(ck *checkpoint) ([]byte, error) {
	c.setDefault("num_key_value_heads", c.int("num_attention_heads"))
	c.setDefault("head_dim", c.headDim())
	c.setDefault("max_position_embeddings", int64(2048))
	c.setDefault("rope_theta", 10000.0)
	c.fields["torch_dtype"] = ck.dtype.String()
	if len(ck.text.stops) > 0 {
		c.fields["eos_token_id"] = ck.text.stops
	}
	if bos := ck.text.tokenizer.Roles().BOS; bos >= 0 {
		c.fields["bos_token_id"] = bos
	}
	if err := c.nameFactors(); err != nil {
		return nil, err
	}
	return c.json()
}

// nameFactors says Llama 3's scaling in place of its factors.
func (c *ggufConfig) nameFactors() error {
	scaling, _ := c.fields["rope_scaling"].(map[string]any)
	factors, ok := scaling["freq_factors"].([]float32)
	if !ok {
		return nil
	}
	theta, _ := c.fields["rope_theta"].(float64)
	s := llama3Scaling(factors, theta)
	if s == nil || scaling["rope_type"] != "default" {
		return fmt.Errorf("tensor %s: its factors are not those of rope_type llama3, and mlx-lm has no other words for them", ggufRopeFreqs)
	}
	c.fields["rope_scaling"] = map[string]any{
		"rope_type": "llama3", "factor": s.Factor, "low_freq_factor": s.LowFreqFactor, "high_freq_factor": s.HighFreqFactor,
		"original_max_position_embeddings": int64(s.OriginalMaxPositionEmbeddings),
	}
	return nil
}

// llama3Scaling is the setting that gives these factors, nil where none does. Every
// published model has the same range of turns, and the last pair the whole factor; the
// context follows from the first pair that is blended.
func llama3Scaling(factors []float32, theta float64) *nn.RopeScaling {
	s := &nn.RopeScaling{Factor: float64(factors[len(factors)-1]), LowFreqFactor: 1, HighFreqFactor: 4, OriginalMaxPositionEmbeddings: 8192}
	for i, f := range factors {
		if f == 1 {
			continue
		}
		blend := (1/float64(f) - 1/s.Factor) / (1 - 1/s.Factor)
		turns := s.LowFreqFactor + blend*(s.HighFreqFactor-s.LowFreqFactor)
		if blend > 0 {
			s.OriginalMaxPositionEmbeddings = math.Round(turns * 2 * math.Pi * math.Pow(theta, float64(i)/float64(len(factors))))
		}
		break
	}
	for i, want := range llama3Factors(s, theta, 2*len(factors)) {
		if !(math.Abs(want-float64(factors[i])) < 1e-4*want) {
			return nil
		}
	}
	return s
}

// GGUFFolderFiles are the files about text of a folder for the model in a GGUF
// file, by name: tokenizer.json, tokenizer_config.json with the chat templates, and
// generation_config.json.
func GGUFFolderFiles(path string) (files map[string][]byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("models: text of %s: %w", path, err)
		}
	}()
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	x, err := ggufText(f)
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	if files["tokenizer.json"], err = tokenizer.GGUFToJSON(&f.Metadata); err != nil {
		return nil, err
	}
	if files["tokenizer_config.json"], err = x.tokenizerConfig(); err != nil {
		return nil, err
	}
	files["generation_config.json"], err = x.generationConfig()
	return files, err
}

// tokenizerConfig is tokenizer_config.json.
func (x *text) tokenizerConfig() ([]byte, error) {
	fields := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false}
	for _, variable := range []string{"bos_token", "eos_token", "unk_token", "pad_token"} {
		if token := x.templates.Token(variable); token != "" {
			fields[variable] = token
		}
	}
	type named struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	var all []named
	for _, name := range x.templates.Names() {
		t, err := x.templates.Template(name)
		if err != nil {
			return nil, err
		}
		all = append(all, named{name, t.Source()})
	}
	switch {
	case len(all) == 1 && all[0].Name == templates.DefaultName:
		fields["chat_template"] = all[0].Template
	case all != nil:
		fields["chat_template"] = all
	}
	return indented(fields)
}

// generationConfig is generation_config.json: what ends an answer.
func (x *text) generationConfig() ([]byte, error) {
	fields := map[string]any{}
	roles := x.tokenizer.Roles()
	for name, id := range map[string]int32{"bos_token_id": roles.BOS, "pad_token_id": roles.Pad} {
		if id >= 0 {
			fields[name] = id
		}
	}
	if len(x.stops) > 0 {
		fields["eos_token_id"] = x.stops
	}
	return indented(fields)
}

// indented is JSON for people.
func indented(fields map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(fields)
	return b.Bytes(), err
}
