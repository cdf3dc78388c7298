package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// What a compiled function reads may change between calls without another trace, and
// is not changed by it.
func TestReadsAreNoConstants(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		o := th.NewOwner("weights")
		defer o.Close()
		w, empty := o.Slot(slice(t, th, []float32{1, 2})), o.Slot(mlx.Array{})
		require.Equal(t, arrayPlaces{w}, o.Slots(), "those with a value")
		dot := func(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(s.Multiply(in[0], *w), false)} }
		c := compile(t, th, dot, mlx.WithReads(w))
		x := slice(t, th, []float32{3, 4})
		defer x.Close()
		require.Equal(t, []float32{11}, read[float32](t, th, call(t, th, c, x)))
		double := func(s *mlx.Scope) mlx.Array { s.Assign(w, s.Add(*w, *w)); return s.Add(*w, *w) }
		require.Equal(t, []float32{2, 4}, read[float32](t, th, build(t, th, double)), "assigned at the end of the Build")
		require.Equal(t, []float32{22}, read[float32](t, th, call(t, th, c, x)))
		require.Zero(t, c.Retraces())

		_, err := th.Compile(dot, mlx.WithReads(w, nil))
		require.ErrorContains(t, err, "mlx: compile: read array 1 is nil (compilereads_test.go:")
		_, err = th.Compile(dot, mlx.WithState(w), mlx.WithReads(w))
		require.ErrorContains(t, err, "state 0 was named before")
		_, err = th.BuildAll(func(s *mlx.Scope) arrays { return compile(t, th, dot, mlx.WithReads(empty)).Call(s, x) })
		require.ErrorContains(t, err, "read array 0: the array is null")
	})
}

type arrayPlaces = []*mlx.Array
