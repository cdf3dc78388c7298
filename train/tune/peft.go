package tune

import (
	"context"
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// peftFile is the weights in an adapter folder of PEFT's.
const peftFile = "adapter_model.safetensors"

// peftConfig is adapter_config.json as PEFT reads it.
type peftConfig struct {
	Type          string   `json:"peft_type"`
	Task          string   `json:"task_type"`
	Base          *string  `json:"base_model_name_or_path"`
	Rank          int      `json:"r"`
	Alpha         float64  `json:"lora_alpha"` // the scale is Alpha over Rank
	Dropout       float64  `json:"lora_dropout"`
	TargetModules []string `json:"target_modules"` // whole names
	UseDoRA       bool     `json:"use_dora"`
	Bias          string   `json:"bias"`
	FanInFanOut   bool     `json:"fan_in_fan_out"`
	InferenceMode bool     `json:"inference_mode"`
}

// SavePEFT writes the adapters of m into a folder, made if need be, that PEFT's
// PeftModel.from_pretrained and models.WithAdapter read: adapter_config.json and
// adapter_model.safetensors. Each file is there whole or not at all. PEFT has no
// form for experts' adapters, nor for that of an embedding which is the output
// layer too; a model whose weights are trained has none for it either.
func SavePEFT(ctx context.Context, m *models.Model, dir string) error {
	if err := savePEFT(ctx, m, dir); err != nil {
		return fmt.Errorf("tune: save for PEFT: %w", err)
	}
	return nil
}

func savePEFT(ctx context.Context, m *models.Model, dir string) error {
	adapted := adaptedLayers(m)
	if len(adapted) == 0 {
		return errors.New("the model has no adapter")
	}
	c, err := describe(m, adapted, "")
	if err != nil {
		return err
	}
	config := peftConfig{
		Type: "LORA", Task: "CAUSAL_LM", Rank: c.LoRA.Rank, Alpha: c.LoRA.Scale * float64(c.LoRA.Rank), Dropout: c.LoRA.Dropout,
		UseDoRA: c.FineTuneType == string(DoRA), Bias: "none", InferenceMode: true,
	}
	for _, ad := range adapted {
		if ad.Experts > 0 {
			return fmt.Errorf("%s: PEFT has no form for the adapters of experts", ad.Name)
		}
		if ad.Embedding {
			return fmt.Errorf("%s: the adapter of an embedding is another one in PEFT", ad.Name)
		}
		config.TargetModules = append(config.TargetModules, peftName(m, ad.Name))
	}
	var turned []mlx.Array
	weights := map[string]mlx.Array{}
	err = m.Worker().Do(ctx, func(t *mlx.Thread) (err error) {
		turned, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array { return peftWeights(s, m, adapted, weights) })
		return err
	})
	if err != nil {
		return err
	}
	err = writeFolder(ctx, m, dir, peftFile, weights, config)
	return errors.Join(err, mlx.CloseAll(turned...))
}

// peftName is a layer as Hugging Face's transformers has it.
func peftName(m *models.Model, layer string) string {
	const text = "model."
	if m.Nested() && len(layer) > len(text) && layer[:len(text)] == text {
		return text + "language_model." + layer[len(text):]
	}
	return layer
}

// peftWeights names the parts as PEFT does, which has the matrices the other way
// round, and lists them.
func peftWeights(s *mlx.Scope, m *models.Model, adapted []nn.Adaptable, weights map[string]mlx.Array) (turned []mlx.Array) {
	parts := map[string]string{".lora_a": ".lora_A.weight", ".lora_b": ".lora_B.weight", ".m": ".lora_magnitude_vector"}
	all := m.Parameters()
	for _, ad := range adapted {
		for ours, theirs := range parts {
			l, ok := all.Find(ad.Name + ours)
			if !ok {
				continue
			}
			a := s.Contiguous(s.Transpose(l.Array()), false) // M too: a copy to be closed
			turned = append(turned, a)
			weights["base_model.model."+peftName(m, ad.Name)+theirs] = a
		}
	}
	return turned
}
