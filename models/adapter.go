package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// adapter is what fine-tuning made: low-rank products, whole weights, or both.
type adapter struct {
	shards
	config string // the file
	low    *nn.Adapter
	whole  map[string]nn.Tensor // in place of the checkpoint's
}

// openAdapter opens an adapter folder of mlx-lm or PEFT.
func openAdapter(dir string) (*adapter, error) {
	a := &adapter{config: filepath.Join(dir, "adapter_config.json"), whole: map[string]nn.Tensor{}}
	config, err := os.ReadFile(a.config)
	if err != nil {
		return nil, err
	}
	var kind struct {
		PEFT *string `json:"peft_type"`
	}
	if err := json.Unmarshal(config, &kind); err != nil {
		return nil, fmt.Errorf("%s: %w", a.config, configError(err))
	}
	read := a.readMLX
	if kind.PEFT != nil {
		read = a.readPEFT
	}
	if err := read(dir, config); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if len(a.whole) == 0 && (a.low == nil || len(a.low.Weights.Names()) == 0) {
		return nil, errors.Join(fmt.Errorf("%s holds no weights", dir), a.Close())
	}
	return a, nil
}

// mlxAdapter is adapter_config.json of mlx-lm.
type mlxAdapter struct {
	FineTuneType   string `json:"fine_tune_type"`
	LoRAParameters struct {
		Rank  int      `json:"rank"`
		Scale *float64 `json:"scale"`
	} `json:"lora_parameters"`
}

func parseMLXAdapter(config []byte) (*mlxAdapter, error) {
	c := new(mlxAdapter)
	if err := json.Unmarshal(config, c); err != nil {
		return nil, configError(err)
	}
	c.FineTuneType = orElse(c.FineTuneType, "lora")
	if !slices.Contains([]string{"lora", "dora", "full"}, c.FineTuneType) {
		return nil, fieldError("fine_tune_type", "%q is none of lora, dora and full", c.FineTuneType)
	}
	if c.FineTuneType != "full" && c.LoRAParameters.Scale == nil {
		return nil, fieldError("lora_parameters.scale", "is missing")
	}
	return c, nil
}

// readMLX reads a folder of mlx_lm.lora. Reference: load_adapters of
// mlx_lm/tuner/utils.py.
func (a *adapter) readMLX(dir string, config []byte) error {
	c, err := parseMLXAdapter(config)
	if err != nil {
		return fmt.Errorf("%s: %w", a.config, err)
	}
	stored, err := a.openFiles(filepath.Join(dir, "adapters.safetensors"))
	if err != nil {
		return err
	}
	if c.FineTuneType == "full" {
		for name, t := range stored {
			a.whole[name] = denseTensor{t}
		}
		return nil
	}
	low := tensorMap{}
	for name, t := range stored {
		low[name] = rankedTensor{denseTensor{t}, c.LoRAParameters.Rank}
	}
	scale := *c.LoRAParameters.Scale
	a.low = &nn.Adapter{Weights: low, Scale: func(string) float64 { return scale }, DoRA: c.FineTuneType == "dora"}
	return nil
}

// rankedTensor is a part of a low-rank product of a rank that the config gives.
type rankedTensor struct {
	denseTensor
	rank int // 0 takes any
}

// Check implements nn.Checker.
func (t rankedTensor) Check() error {
	if n := len(t.Shape()); n == 2 && t.rank > 0 && !slices.Contains(t.Shape(), t.rank) {
		return t.errorf("shape %v is not of the config's rank %d (lora_parameters.rank)", t.Shape(), t.rank)
	}
	return t.denseTensor.Check()
}

// transposedTensor is a stored weight the other way round.
type transposedTensor struct{ denseTensor }

func (t transposedTensor) Shape() []int {
	shape := slices.Clone(t.denseTensor.Shape())
	slices.Reverse(shape)
	return shape
}

func (t transposedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	a, err := t.denseTensor.Dense(th, dtype)
	if err != nil {
		return a, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return s.Contiguous(s.Transpose(s.Own(a, nil)), false) })
}

// tensorMap is nn.Weights by name.
type tensorMap map[string]nn.Tensor

func (m tensorMap) Names() []string { return slices.Sorted(maps.Keys(m)) }

func (m tensorMap) Tensor(name string) nn.Tensor { return m[name] }

// over shows the whole weights in place of the checkpoint's.
func (a *adapter) over(w nn.Weights) nn.Weights {
	if a == nil || len(a.whole) == 0 {
		return w
	}
	all := tensorMap{}
	for _, name := range w.Names() {
		all[name] = w.Tensor(name)
	}
	maps.Copy(all, a.whole)
	return all
}

// options load the low-rank products.
func (a *adapter) options() []nn.LoadOption {
	if a == nil || a.low == nil {
		return nil
	}
	return []nn.LoadOption{nn.WithAdapter(*a.low)}
}
