package tune

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The files of an adapter folder of mlx-lm's.
const (
	configFile  = "adapter_config.json"
	weightsFile = "adapters.safetensors"
)

// mlxConfig is adapter_config.json as mlx-lm reads it.
type mlxConfig struct {
	FineTuneType string          `json:"fine_tune_type"`
	Layers       int             `json:"num_layers"`
	LoRA         *loraParameters `json:"lora_parameters"` // nil for Full
}

type loraParameters struct {
	Keys    []string `json:"keys"`
	Rank    int      `json:"rank"`
	Scale   float64  `json:"scale"`
	Dropout float64  `json:"dropout"`
}

// Save writes what training changes of m into a folder, made if need be, that
// mlx-lm's load_adapters and models.WithAdapter read: adapter_config.json and
// adapters.safetensors. Each file is there whole or not at all. mlx-lm has no DoRA
// for experts, and cannot load what was trained so.
func Save(ctx context.Context, m *models.Model, dir string) error {
	if err := save(ctx, m, dir); err != nil {
		return fmt.Errorf("tune: save: %w", err)
	}
	return nil
}

func save(ctx context.Context, m *models.Model, dir string) error {
	prefix := ""
	if m.Nested() {
		prefix = "language_model."
	}
	config, params := mlxConfig{FineTuneType: string(Full), Layers: -1}, nn.Trainable(m.Module())
	if adapted := adaptedLayers(m); len(adapted) > 0 {
		var err error
		if config, err = describe(m, adapted, prefix); err != nil {
			return err
		}
		params = adapterParams(m, adapted)
	}
	if len(params) == 0 {
		return errors.New("the model has no adapter, and none of its weights is trained")
	}
	weights := map[string]mlx.Array{}
	for name, a := range params.All() {
		if a.IsNull() {
			return fmt.Errorf("%s is kept for inference, and has no value to save: see Apply", name)
		}
		weights[prefix+name] = a
	}
	return writeFolder(ctx, m, dir, weightsFile, weights, config)
}

// adaptedLayers are the layers of m that have adapters.
func adaptedLayers(m *models.Model) []nn.Adaptable {
	return slices.DeleteFunc(nn.Adaptables(m.Module()), func(ad nn.Adaptable) bool { return ad.LoRA == nil })
}

// adapterParams are the parameters of the adapters, trained or not.
func adapterParams(m *models.Model, adapted []nn.Adaptable) nn.Tree {
	var out nn.Tree
	all := m.Parameters()
	for _, ad := range adapted {
		for _, part := range []string{".lora_a", ".lora_b", ".m"} {
			if l, ok := all.Find(ad.Name + part); ok {
				out = append(out, l)
			}
		}
	}
	return out
}

// describe is the config that makes mlx-lm put adapters beside the same layers.
func describe(m *models.Model, adapted []nn.Adaptable, prefix string) (mlxConfig, error) {
	first := adapted[0].LoRA
	c := mlxConfig{
		FineTuneType: string(LoRA),
		LoRA:         &loraParameters{Rank: first.Rank, Scale: first.Scale, Dropout: first.Dropout},
	}
	if first.IsDoRA() {
		c.FineTuneType = string(DoRA)
	}
	var names []string
	for _, ad := range nn.Adaptables(m.Module()) {
		names = append(names, ad.Name)
	}
	total := blocks(names)
	for _, ad := range adapted {
		r := ad.LoRA
		if r.Rank != first.Rank || r.Scale != first.Scale || r.IsDoRA() != first.IsDoRA() {
			return c, fmt.Errorf("%s and %s have adapters of different ranks, scales or methods, which the folder cannot tell", adapted[0].Name, ad.Name)
		}
		key := prefix + ad.Name
		if block, within, ok := blockOf(ad.Name); ok {
			key, c.Layers = within, max(c.Layers, total-block)
		}
		c.LoRA.Keys = append(c.LoRA.Keys, key)
	}
	slices.Sort(c.LoRA.Keys)
	c.LoRA.Keys = slices.Compact(c.LoRA.Keys)
	c.Layers = cmp.Or(c.Layers, 1) // 0 would be all of them
	return c, nil
}

// writeFolder writes weights and the config, which goes last.
func writeFolder(ctx context.Context, m *models.Model, dir, file string, weights map[string]mlx.Array, config any) error {
	text, err := encode(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	err = m.Worker().Do(ctx, func(t *mlx.Thread) error {
		return mlx.SaveSafetensors(t, filepath.Join(dir, file), weights, nil)
	})
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, configFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// encode is JSON as mlx-lm and PEFT write it.
func encode(config any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	err := e.Encode(config)
	return b.Bytes(), err
}
