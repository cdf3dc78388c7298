package models

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// peftAdapter is adapter_config.json of Hugging Face's PEFT.
type peftAdapter struct {
	Type          string             `json:"peft_type"`
	Rank          int                `json:"r"`
	Alpha         float64            `json:"lora_alpha"`
	Dropout       float64            `json:"lora_dropout"`
	RankPattern   map[string]int     `json:"rank_pattern"`
	AlphaPattern  map[string]float64 `json:"alpha_pattern"`
	UseRSLoRA     bool               `json:"use_rslora"`
	UseDoRA       bool               `json:"use_dora"`
	FanInFanOut   bool               `json:"fan_in_fan_out"`
	Bias          string             `json:"bias"`
	ModulesToSave []string           `json:"modules_to_save"`
}

func parsePEFT(config []byte) (*peftAdapter, error) {
	c := new(peftAdapter)
	if err := json.Unmarshal(config, c); err != nil {
		return nil, configError(err)
	}
	return c, c.check()
}

// check refuses what the layers have no form for.
func (c *peftAdapter) check() error {
	switch {
	case c.Type != "LORA":
		return fieldError("peft_type", "%q is not LORA", c.Type)
	case c.Rank < 1 || c.Rank > maxSize:
		return fieldError("r", "%d is not between 1 and %d", c.Rank, maxSize)
	case c.Bias != "" && c.Bias != "none":
		return fieldError("bias", "%q is not none", c.Bias)
	case c.FanInFanOut:
		return fieldError("fan_in_fan_out", "weights are [out, in] here")
	}
	for layer, r := range c.RankPattern {
		if r < 1 || r > maxSize {
			return fieldError("rank_pattern."+layer, "%d is not between 1 and %d", r, maxSize)
		}
	}
	return checkDropout("lora_dropout", c.Dropout)
}

// scale is that of a layer: alpha over the rank, or over its root.
func (c *peftAdapter) scale(layer string) float64 {
	r, alpha := float64(ofLayer(c.RankPattern, layer, c.Rank)), ofLayer(c.AlphaPattern, layer, c.Alpha)
	if c.UseRSLoRA {
		return alpha / math.Sqrt(r)
	}
	return alpha / r
}

// ofLayer finds a layer's own setting: keys are the ends of names, or regular
// expressions for them.
func ofLayer[T any](pattern map[string]T, layer string, def T) T {
	for key, v := range pattern {
		if key == layer || strings.HasSuffix(layer, "."+key) {
			return v
		}
		if re, err := regexp.Compile(`^(?:.*\.)?(?:` + key + `)$`); err == nil && re.MatchString(layer) {
			return v
		}
	}
	return def
}

// peftPart is a name of PEFT's: layer, part, and what some versions add.
var peftPart = regexp.MustCompile(`^(.*)\.(lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)(?:\.default)?(?:\.weight)?$`)

// peftParts names the parts as nn.Adapter has them, which has the matrices the
// other way round.
var peftParts = map[string]string{
	"lora_A": "lora_a", "lora_B": "lora_b", "lora_embedding_A": "lora_a", "lora_embedding_B": "lora_b", "lora_magnitude_vector": "m",
}

// readPEFT reads a folder of PEFT's. Modules that were trained as a whole take the
// checkpoint's place.
func (a *Adapter) readPEFT(dir, file string, config []byte) error {
	c, err := parsePEFT(config)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Config, err)
	}
	stored, err := a.openFiles(filepath.Join(dir, orElse(file, "adapter_model.safetensors")))
	if err != nil {
		return err
	}
	low := tensorMap{}
	for full, t := range stored {
		name := inText(strings.TrimPrefix(full, "base_model.model."))
		m := peftPart.FindStringSubmatch(name)
		switch {
		case m == nil && len(c.ModulesToSave) > 0:
			name = strings.Replace(strings.Replace(name, ".modules_to_save.default.", ".", 1), ".modules_to_save.", ".", 1)
			a.Whole[name] = denseTensor{t}
		case m == nil:
			low[name] = denseTensor{t} // shows as no part of the model
		case m[2] == "lora_magnitude_vector":
			low[m[1]+".m"] = denseTensor{t}
		default:
			low[m[1]+"."+peftParts[m[2]]] = transposedTensor{denseTensor{t}}
		}
	}
	a.Low = &nn.Adapter{Weights: low, Scale: c.scale, DoRA: c.UseDoRA, Untied: true, Dropout: c.Dropout}
	return nil
}
