package nn

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// InitOption changes how Init works.
type InitOption func(*initConfig)

type initConfig struct{ dtype mlx.Dtype }

// WithDtype makes parameters of another dtype than Float32.
func WithDtype(d mlx.Dtype) InitOption { return func(c *initConfig) { c.dtype = d } }

// workshop is where layers make arrays that are no parameters.
type workshop struct {
	t     *mlx.Thread
	owner *mlx.Owner
	dtype mlx.Dtype
}

// make builds an array, keeps and evaluates it.
func (w workshop) make(fn func(s *mlx.Scope) mlx.Array) (mlx.Array, error) {
	a, err := w.t.Build(fn)
	if err != nil {
		return mlx.Array{}, err
	}
	w.owner.Keep(a)
	return a, w.t.Eval(a)
}

// preparer is a layer that needs arrays which are no parameters.
type preparer interface{ prepare(w workshop) error }

// beginner is a layer that takes its trainable form before Init.
type beginner interface{ begin(names []string) }

// Init gives the layers of model, a pointer to a struct, new parameters, drawn
// as mlx.nn draws them: after mx.random.seed(seed) the same layers made in the
// same order in Python have the same values. The arrays belong to owner. When
// Init fails the model keeps the values that it had.
func Init(t *mlx.Thread, model any, seed uint64, owner *mlx.Owner, opts ...InitOption) error {
	c := initConfig{dtype: mlx.Float32}
	for _, o := range opts {
		o(&c)
	}
	specs, err := begin(model, workshop{t, owner, c.dtype})
	if err != nil {
		return err
	}
	arrays, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		keys := mlx.NewKeys(s, seed)
		out := make([]mlx.Array, len(specs))
		for i, sp := range specs {
			out[i] = sp.init(s, keys, sp.shape, sp.dtype(c.dtype))
		}
		return out
	})
	if err != nil {
		return fmt.Errorf("nn: init: %w", err)
	}
	if err := t.Eval(arrays...); err != nil {
		closeAll(arrays)
		return fmt.Errorf("nn: init: %w", err)
	}
	for i, sp := range specs {
		sp.param.keep(owner, arrays[i])
	}
	return nil
}

// begin prepares the layers and lists the parameters to make.
func begin(model any, w workshop) ([]spec, error) {
	var specs []spec
	err := walk(model, func(path string, names []string, l layer) error {
		if p, ok := l.(preparer); ok {
			if err := p.prepare(w); err != nil {
				return fmt.Errorf("nn: %s: %w", path, err)
			}
		}
		if b, ok := l.(beginner); ok {
			b.begin(names)
		}
		for _, sp := range l.params(names) {
			if sp.init == nil {
				continue // a bias that is not wanted
			}
			if sp.inference {
				return errInference(sp.name)
			}
			if err := sp.sized(); err != nil {
				return err
			}
			specs = append(specs, sp)
		}
		return nil
	})
	return specs, err
}

// sized refuses a shape that leaves a size to the checkpoint.
func (sp spec) sized() error {
	if slices.ContainsFunc(sp.shape, func(d int) bool { return d <= 0 }) {
		return fmt.Errorf("nn: init %s: shape %v: every size must be given", sp.name, sp.shape)
	}
	return nil
}
