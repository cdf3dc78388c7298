package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Placeholders gives the layers of model, a pointer to a struct, parameters of
// their shapes whose values are never computed and take no memory: to trace a
// model that has no weights. The arrays belong to owner.
func Placeholders(t *mlx.Thread, model any, owner *mlx.Owner, dtype mlx.Dtype) error {
	specs, err := begin(model, workshop{t, owner, dtype})
	if err != nil {
		return err
	}
	arrays, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		out := make([]mlx.Array, len(specs))
		for i, sp := range specs {
			out[i] = s.Zeros(sp.shape, dtype)
		}
		return out
	})
	if err != nil {
		return err
	}
	for i, sp := range specs {
		sp.param.keep(owner, arrays[i])
	}
	return nil
}
