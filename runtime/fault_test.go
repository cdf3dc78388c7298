package runtime_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// toy is a network of three layers, each with a cache of what it has seen.
type toy struct {
	weights, biases [3]mlx.Array
	caches          [3]mlx.Array
	steps           int
}

func newToy(t *testing.T, th *mlx.Thread) *toy {
	n := new(toy)
	for i := range n.weights {
		key, err := th.RandomKey(uint64(i))
		require.NoError(t, err)
		n.weights[i] = build(t, th, func(s *mlx.Scope) mlx.Array { return s.RandomNormal([]int{4, 4}, mlx.Float32, 0, 1, key) })
		require.NoError(t, key.Close())
		n.biases[i] = slice(t, th, []float32{1, 0, -1, 0.5})
		n.caches[i] = slice(t, th, make([]float32, 4), 1, 4)
	}
	return n
}

func (n *toy) forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	for i := range n.weights {
		x = s.Tanh(s.Add(s.Matmul(x, n.weights[i]), n.biases[i]))
		parts := s.Split(x, 2, 1)
		if s.Err() != nil {
			return x
		}
		seen := s.ConcatenateAxis([]mlx.Array{n.caches[i], s.ConcatenateAxis(parts, 1)}, 0)
		s.Assign(&n.caches[i], seen)
		x = s.Add(x, s.MeanAxis(seen, 0, true))
	}
	s.OnSuccess(func() { n.steps++ })
	q, r := s.QR(s.Reshape(x, 2, 2))
	return s.Add(s.Matmul(q, r), s.Scalar(1, mlx.Float32))
}

func (n *toy) close(t *testing.T) {
	for i := range n.weights {
		require.NoError(t, errors.Join(n.weights[i].Close(), n.biases[i].Close(), n.caches[i].Close()))
	}
}

// TestEveryReferenceMayFail lets the references fail that Build takes of what a
// Scope does not own.
func TestEveryReferenceMayFail(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1})
		defer x.Close()
		var a, b mlx.Array
		step := func() ([]mlx.Array, error) {
			return th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				y := s.Add(x, x)
				s.Assign(&a, y)
				s.Assign(&b, y)
				return []mlx.Array{s.Exp(x), x, y}
			})
		}
		live, before := mlx.Live(), th.Ops()
		all, err := step()
		require.NoError(t, err)
		ops := th.Ops() - before
		require.Equal(t, 2+3, ops, "two operations, references for b and two results")
		require.NoError(t, mlx.CloseAll(append(all, a, b)...))
		a, b = mlx.Array{}, mlx.Array{}
		for i := 1; i <= ops; i++ {
			th.FailAt(i, nil)
			all, err := step()
			require.ErrorContains(t, err, "injected failure")
			require.Empty(t, all)
			require.Equal(t, live, mlx.Live())
			require.Equal(t, [2]mlx.Array{}, [2]mlx.Array{a, b})
		}
	})
}

func TestEveryOperationMayFail(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		n, x := newToy(t, th), slice(t, th, []float32{1, 2, 3, 4}, 1, 4)
		defer x.Close()
		defer n.close(t)
		step := func() (mlx.Array, error) {
			return th.Build(func(s *mlx.Scope) mlx.Array { return n.forward(s, x) })
		}
		before := th.Ops()
		y, err := step()
		require.NoError(t, err)
		want := read[float32](t, th, y)
		ops := th.Ops() - before
		require.Equal(t, 3*8+5, ops, "3 layers of 8 operations, 5 at the end")

		caches, live := n.caches, mlx.Live()
		for i := 1; i <= ops; i++ {
			boom := fmt.Errorf("operation %d", i)
			th.FailAt(i, boom)
			y, err := step()
			require.ErrorIs(t, err, boom)
			e, ok := errors.AsType[*mlx.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, e.Op)
			require.Contains(t, e.File, "fault_test.go")
			require.Equal(t, mlx.Array{}, y)
			require.Equal(t, caches, n.caches)
			require.Equal(t, live, mlx.Live())
			require.Equal(t, 1, n.steps)
		}

		th.FailAt(ops+1, errors.New("not reached"))
		y, err = step()
		require.NoError(t, err)
		require.NotEqual(t, want, read[float32](t, th, y), "the caches count")
		require.Equal(t, 2, n.steps)
		_, err = step()
		require.ErrorContains(t, err, "not reached")

		th.FailAt(1, nil)
		_, err = step()
		require.ErrorContains(t, err, "injected failure")
		th.FailAt(1, nil)
		th.FailAt(0, nil)
		y, err = step()
		require.NoError(t, err)
		require.NoError(t, y.Close())
	})
}
