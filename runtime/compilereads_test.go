package runtime_test

import (
	"testing"
	"time"

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

// MLX never frees the graph of a gradient by a custom function of which a result is
// used by that gradient alone; weights that it reads are not kept with it.
func TestReadsAreFreed(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		active := func() uint64 { n, err := th.ActiveMemory(); return amount(t, n, err) }
		before := active()
		o := th.NewOwner("weights")
		w := o.Slot(build(t, th, func(s *mlx.Scope) mlx.Array { return s.Ones([]int{1 << 18}, mlx.Float32) }))
		forward := func(s *mlx.Scope, in arrays) arrays {
			return arrays{s.Sum(s.Multiply(in[0], *w), false), s.Square(in[0])}
		}
		backward := func(s *mlx.Scope, _, cotangents, outputs []mlx.Array) []mlx.Array {
			return arrays{s.Multiply(outputs[1], s.Sum(s.Multiply(cotangents[0], *w), false))}
		}
		c := compile(t, th, mlx.Grad(func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
			return mlx.CustomVJP(forward, backward)(s, in)[:1]
		}), mlx.WithReads(w))
		x := slice(t, th, []float32{3}, []int{}...)
		require.Equal(t, []float32{9 << 18}, read[float32](t, th, call(t, th, c, x)))
		require.NoError(t, x.Close())
		require.NoError(t, c.Close())
		require.NoError(t, o.Close())
		require.Eventually(t, func() bool { return active() < before+1<<18 }, 5*time.Second, 10*time.Millisecond)
	})
}
