package models

import (
	"encoding/json"
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Checkpoint is the model of a Hugging Face folder or a GGUF file, opened and
// checked, whose tensors are still in their files: for what converts or measures
// weights and never runs them. Close it.
type Checkpoint struct {
	ModelType string    // of the language model, where config.json nests one
	Config    []byte    // config.json, as it is, or what a GGUF file says of it
	Dtype     mlx.Dtype // that the checkpoint computes in
	Tensors   []CheckpointTensor

	ck *checkpoint
}

// CheckpointTensor is a weight under the name that mlx-lm saves it by, in the form
// that its architecture wants: experts stacked, joined projections taken apart.
type CheckpointTensor struct {
	nn.Tensor
	Name string
	// Quantisable tells the weights of Linear, Embedding and the like.
	Quantisable bool
	// Adapted tells the weights that an adapter is merged into: see OpenAdapted.
	Adapted bool
}

// OpenCheckpoint opens a folder or a GGUF file. What Load would refuse is refused.
func OpenCheckpoint(path string) (*Checkpoint, error) { return OpenAdapted(path, "") }

// OpenAdapted is OpenCheckpoint with the adapter of a folder of mlx-lm's or PEFT's
// merged into the weights that it adapts, each as it is read; those that are packed
// are packed again in the same way. An empty adapter is none.
func OpenAdapted(path, adapter string) (*Checkpoint, error) {
	ck, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("models: open %s: %w", path, err)
	}
	if adapter != "" {
		if ck.adapter, err = openAdapter(adapter); err != nil {
			return nil, errors.Join(fmt.Errorf("models: open adapter: %w", err), ck.weights.Close())
		}
	}
	c := &Checkpoint{Config: ck.config, Dtype: ck.dtype, ck: ck}
	if err := c.resolve(); err != nil {
		return nil, errors.Join(fmt.Errorf("models: open %s: %w", ck.name, err), ck.Close())
	}
	return c, nil
}

// Close closes the files.
func (c *Checkpoint) Close() error { return c.ck.Close() }

// resolve finds the model's tensors among the stored ones.
func (c *Checkpoint) resolve() error {
	arch, err := newArchitecture(c.Config)
	if err != nil {
		return err
	}
	prefix := ""
	if c.ModelType, err = modelType(c.Config); err != nil {
		return err
	}
	if _, nested := arch.(*languageModel); nested {
		prefix = "language_model."
	}
	var w nn.Weights = c.ck.weights
	if a, ok := arch.(sanitizer); ok {
		w = a.sanitize(w)
	}
	shapes, err := nn.Shapes(arch) // before Check, which makes layers ready to be read
	if err != nil {
		return err
	}
	w = c.ck.adapter.over(w)
	if err := nn.Check(arch, w, nn.Policy{}, c.ck.adapter.options()...); err != nil {
		if c.ck.adapter != nil {
			err = fmt.Errorf("with adapter %s: %w", c.ck.adapter.Config, err)
		}
		return err
	}
	c.list(w, shapes, prefix)
	return c.ck.adapter.merge(arch, c.Tensors, prefix)
}

// list puts the tensors into the order of the model's fields; those that a field
// may do without follow.
func (c *Checkpoint) list(w nn.Weights, shapes []nn.Shape, prefix string) {
	listed := map[string]bool{}
	for _, sh := range shapes {
		t := w.Tensor(sh.Name)
		if t == nil {
			continue
		}
		if f, ok := t.(nn.Fitter); ok {
			t = f.Fit(sh.Shape[len(sh.Shape)-1])
		}
		listed[sh.Name] = true
		c.Tensors = append(c.Tensors, CheckpointTensor{Tensor: t, Name: prefix + sh.Name, Quantisable: sh.Quantisable})
	}
	for _, name := range w.Names() {
		if !listed[name] {
			c.Tensors = append(c.Tensors, CheckpointTensor{Tensor: w.Tensor(name), Name: prefix + name})
		}
	}
}

// modelType is config.json's, or that of the language model in it.
func modelType(config []byte) (string, error) {
	var c struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return "", configError(err)
	}
	if kind, ok := textModels[c.ModelType]; ok {
		_, kind, err := textConfig(config, kind)
		return kind, err
	}
	return c.ModelType, nil
}
