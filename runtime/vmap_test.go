package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMisuseOfVmap(t *testing.T) {
	add := func(s *mlx.Scope, in arrays) arrays { return arrays{s.Add(in[0], in[1]), in[0]} }
	square := func(s *mlx.Scope, in arrays) arrays { return arrays{s.Square(in[0])} }
	both, u := mlx.InAxes(0, 0), mlx.Unmapped
	for says, f := range map[string]mlx.Func{
		"mlx: vmap: 3 axes for 2 arguments (vmap_test.go:":                      mlx.Vmap(add, mlx.InAxes(0, 0, 0)),
		"mlx: vmap: 0 axes for 2 arguments":                                     mlx.Vmap(add, mlx.InAxes()),
		"mlx: vmap: 3 axes for 2 results":                                       mlx.Vmap(add, both, mlx.OutAxes(0, 0, 0)),
		"mlx: vmap: argument 1: axis 2 is out of range for 2 dimensions":        mlx.Vmap(add, mlx.InAxes(0, 2)),
		"mlx: vmap: argument 0: axis -3 is out of range for 2 dimensions":       mlx.Vmap(add, mlx.InAxes(-3, 0)),
		"mlx: vmap: result 1: axis 2 is out of range for 2 dimensions":          mlx.Vmap(add, both, mlx.OutAxes(0, 2)),
		"mlx: vmap: result 1: it cannot be Unmapped":                            mlx.Vmap(add, both, mlx.OutAxes(0, u)),
		"mlx: vmap: none of 2 arguments is mapped":                              mlx.Vmap(add, mlx.InAxes(u)),
		"mlx: vmap: Inconsistent axis sizes":                                    mlx.Vmap(add, mlx.InAxes(0, 1)),
		"mlx: vmap: argument 0: axis 0 is out of range for 0 dimensions":        mlx.Vmap(mlx.Vmap(mlx.Vmap(square))),
		"mlx: vmap: none of 0 arguments is mapped":                              func(s *mlx.Scope, _ arrays) arrays { return mlx.Vmap(square)(s, nil) },
		"mlx: vmap: argument 1: expected a non-empty mlx_array":                 func(s *mlx.Scope, in arrays) arrays { return mlx.Vmap(add)(s, arrays{in[0], {}}) },
		"mlx: vmap: [Primitive::vmap] Not implemented for Depends":              mlx.Vmap(mlx.Grad(mlx.Checkpoint(total))),
		"mlx: vmap: result 0: axis 3 is out of range for 3 dimensions":          mlx.Vmap(func(s *mlx.Scope, in arrays) arrays { return arrays{s.ExpandDims(in[0], 0)} }, mlx.OutAxes(3)),
		"mlx: reshape: Cannot reshape array of size 3 into shape (2). (vmap_te": mlx.Vmap(func(s *mlx.Scope, in arrays) arrays { return arrays{s.Reshape(in[0], 2)} }),
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			x := slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
			defer x.Close()
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, arrays{x, x}) })
			require.ErrorContains(t, err, says)
		})
	}
}

// The options belong to Vmap: a caller's slice may change.
func TestVmapKeepsItsAxes(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
		defer x.Close()
		axes := []int{1}
		f := mlx.Vmap(func(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(in[0], false)} }, mlx.InAxes(axes...))
		axes[0] = 0
		sums := build(t, th, func(s *mlx.Scope) mlx.Array { return f(s, arrays{x})[0] })
		require.Equal(t, []float32{5, 7, 9}, read[float32](t, th, sums))
	})
}
