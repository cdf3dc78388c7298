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

// Adapter is what fine-tuning made: low-rank products, whole weights, or both. Its
// tensors are still in their files. Close it.
type Adapter struct {
	Config string               // the file adapter_config.json
	Low    *nn.Adapter          // low-rank products; nil where there are none
	Whole  map[string]nn.Tensor // weights in place of the model's, by their names there

	shards
}

// OpenAdapter opens an adapter of mlx-lm or PEFT: its folder, or a file of weights in
// it, such as the 0000100_adapters.safetensors that mlx-lm writes on the way. What
// stands in it is looked at against a model when it is put on one: see WithAdapter and
// tune.Load.
func OpenAdapter(path string) (*Adapter, error) {
	a, err := openAdapter(path)
	if err != nil {
		return nil, fmt.Errorf("models: open adapter: %w", err)
	}
	return a, nil
}

func openAdapter(path string) (*Adapter, error) {
	dir, file, err := adapterFile(path)
	if err != nil {
		return nil, err
	}
	a := &Adapter{Config: filepath.Join(dir, "adapter_config.json"), Whole: map[string]nn.Tensor{}}
	config, err := os.ReadFile(a.Config)
	if err != nil {
		return nil, err
	}
	var kind struct {
		PEFT *string `json:"peft_type"`
	}
	if err := json.Unmarshal(config, &kind); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Config, configError(err))
	}
	read := a.readMLX
	if kind.PEFT != nil {
		read = a.readPEFT
	}
	if err := read(dir, file, config); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if len(a.Whole) == 0 && (a.Low == nil || len(a.Low.Weights.Names()) == 0) {
		return nil, errors.Join(fmt.Errorf("%s holds no weights", dir), a.Close())
	}
	return a, nil
}

// adapterFile takes a path apart into the folder and, where it says one, the file of
// the weights.
func adapterFile(path string) (dir, file string, err error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return path, "", err
	}
	return filepath.Dir(path), filepath.Base(path), nil
}

// mlxAdapter is adapter_config.json of mlx-lm.
type mlxAdapter struct {
	FineTuneType   string `json:"fine_tune_type"`
	LoRAParameters struct {
		Rank    int      `json:"rank"`
		Scale   *float64 `json:"scale"`
		Dropout float64  `json:"dropout"`
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
	if err := checkDropout("lora_parameters.dropout", c.LoRAParameters.Dropout); err != nil {
		return nil, err
	}
	return c, nil
}

// checkDropout refuses a share that is none.
func checkDropout(field string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fieldError(field, "%v is not in [0, 1)", v)
	}
	return nil
}

// readMLX reads a folder of mlx_lm.lora. Reference: load_adapters of
// mlx_lm/tuner/utils.py.
func (a *Adapter) readMLX(dir, file string, config []byte) error {
	c, err := parseMLXAdapter(config)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Config, err)
	}
	stored, err := a.openFiles(filepath.Join(dir, orElse(file, "adapters.safetensors")))
	if err != nil {
		return err
	}
	if c.FineTuneType == "full" {
		for name, t := range stored {
			a.Whole[inText(name)] = denseTensor{t}
		}
		return nil
	}
	low := tensorMap{}
	for name, t := range stored {
		low[inText(name)] = rankedTensor{denseTensor{t}, c.LoRAParameters.Rank}
	}
	scale := *c.LoRAParameters.Scale
	a.Low = &nn.Adapter{Weights: low, Scale: func(string) float64 { return scale }, DoRA: c.FineTuneType == "dora", Dropout: c.LoRAParameters.Dropout}
	return nil
}

// inText is the name of an adapter's weight in a language model of its own.
// Those of other towers keep theirs, and show as no part of the model.
func inText(stored string) string {
	if name, keep := textTensor(stored); keep {
		return name
	}
	return stored
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
func (a *Adapter) over(w nn.Weights) nn.Weights {
	if a == nil || len(a.Whole) == 0 {
		return w
	}
	all := tensorMap{}
	for _, name := range w.Names() {
		all[name] = w.Tensor(name)
	}
	maps.Copy(all, a.Whole)
	return all
}

// options load the low-rank products.
func (a *Adapter) options() []nn.LoadOption {
	if a == nil || a.Low == nil {
		return nil
	}
	return []nn.LoadOption{nn.WithAdapter(*a.Low)}
}
