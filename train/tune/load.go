package tune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Load makes of m what a folder of Save, SavePEFT, mlx-lm or PEFT says, to train it
// further or to use it: as Apply does, it freezes the weights and puts adapters beside
// their layers, with the numbers of the folder. Of a folder with weights that were
// trained themselves they become the model's, which must have been loaded
// models.WithTraining for it, and stay trainable. What is wrong with the folder is told
// by file and field. When Load fails the model is as it was. A model that is only to be
// used with an adapter can be loaded models.WithAdapter.
func Load(ctx context.Context, m *models.Model, dir string) (err error) {
	a, err := models.OpenAdapter(dir)
	if err != nil {
		return fmt.Errorf("tune: load: %w", err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := m.Worker().Do(ctx, func(t *mlx.Thread) error { return place(ctx, t, m, a) }); err != nil {
		return fmt.Errorf("tune: load: %s: %w", a.Config, err)
	}
	return nil
}

// place puts the adapter on m.
func place(ctx context.Context, t *mlx.Thread, m *models.Model, a *models.Adapter) error {
	whole, err := replaced(m, a.Whole)
	if err != nil {
		return err
	}
	values, err := readWhole(t, whole, a.Whole)
	defer func() { _ = mlx.CloseAll(values...) }()
	if err != nil {
		return err
	}
	before := nn.Trainable(m.Module())
	if a.Low != nil {
		if err := nn.LoadLoRA(ctx, t, m.Module(), m.Owner(), *a.Low); err != nil {
			return err
		}
	}
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for i, l := range whole {
			l.Assign(s, values[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	before.Freeze()
	if len(whole) > 0 {
		nn.Unfreeze(m.Module(), whole.Names()...)
	}
	return nil
}

// replaced are the parameters that the folder's weights are for.
func replaced(m *models.Model, weights map[string]nn.Tensor) (nn.Tree, error) {
	var out nn.Tree
	for _, l := range m.Parameters() {
		t, ok := weights[l.Name]
		if !ok {
			continue
		}
		if l.Array().IsNull() {
			return nil, fmt.Errorf("%s is kept for inference: load the model models.WithTraining", l.Name)
		}
		if c, ok := t.(nn.Checker); ok {
			if err := c.Check(); err != nil {
				return nil, err
			}
		}
		if have, err := shapeOf(l.Array()); err != nil || !slices.Equal(have, t.Shape()) {
			return nil, errors.Join(err, fmt.Errorf("%s has shape %v, want %v", l.Name, t.Shape(), have))
		}
		out = append(out, l)
	}
	for name := range weights {
		if _, ok := out.Find(name); !ok {
			return nil, fmt.Errorf("%s is not part of the model", name)
		}
	}
	return out, nil
}

// readWhole reads the weights for params, in their types.
func readWhole(t *mlx.Thread, params nn.Tree, weights map[string]nn.Tensor) (values []mlx.Array, err error) {
	for _, l := range params {
		dtype, err := l.Array().Dtype()
		if err != nil {
			return values, err
		}
		v, err := weights[l.Name].Dense(t, dtype)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

func shapeOf(a mlx.Array) ([]int, error) {
	dims, err := a.Shape()
	out := make([]int, len(dims))
	for i, d := range dims {
		out[i] = int(d)
	}
	return out, err
}

// Merge puts the adapters of m into its weights, for a model that is to be used and not
// trained any more: it computes what it did, as fast as without them. Packed weights
// are packed again, and round. The weights stay frozen; nn.Save and the like see them
// as any others. Whole folders are merged, and saved, by convert.Folder with
// convert.Adapter, weight by weight.
func Merge(ctx context.Context, m *models.Model) error {
	adapted := adaptedLayers(m)
	if len(adapted) == 0 {
		return errors.New("tune: merge: the model has no adapter")
	}
	for _, ad := range adapted {
		if ad.Embedding && ad.LoRA.Untied() && m.Tied() {
			return fmt.Errorf("tune: merge: %s: the adapter leaves it as it is where it is the output layer: the two cannot be one weight", ad.Name)
		}
	}
	err := m.Worker().Do(ctx, func(t *mlx.Thread) error { return nn.MergeLoRA(t, m.Module(), m.Owner()) })
	if err != nil {
		return fmt.Errorf("tune: merge: %w", err)
	}
	return nil
}
