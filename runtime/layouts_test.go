package runtime_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// model is what an array shows, by hand: the positions in the ramp that it was
// made of, in row-major order.
type model struct {
	shape []int
	at    []int
}

func (m model) size() int {
	n := 1
	for _, d := range m.shape {
		n *= d
	}
	return n
}

// gather makes a model of shape that shows, at each index, the element of m that
// from points to.
func (m model) gather(shape []int, from func(index []int) int) model {
	out := model{shape: shape}
	index := make([]int, len(shape))
	for range out.size() {
		out.at = append(out.at, m.at[from(index)])
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}

// strides are the steps of m's row-major order.
func (m model) strides() []int {
	out, step := make([]int, len(m.shape)), 1
	for d := len(out) - 1; d >= 0; d-- {
		out[d] = step
		step *= m.shape[d]
	}
	return out
}

func dot(a, b []int) (sum int) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// move is one operation on both sides.
type move struct {
	name  string
	build func(s *mlx.Scope, x mlx.Array) mlx.Array
	model model
}

func transpose(r *rand.Rand, m model) move {
	axes := r.Perm(len(m.shape))
	shape, strides := make([]int, len(axes)), make([]int, len(axes))
	for i, a := range axes {
		shape[i], strides[i] = m.shape[a], m.strides()[a]
	}
	return move{fmt.Sprint("transpose", axes), func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.TransposeAxes(x, axes...) },
		m.gather(shape, func(index []int) int { return dot(index, strides) })}
}

func cut(r *rand.Rand, m model) move {
	n := len(m.shape)
	start, stop, by, shape := make([]int, n), make([]int, n), make([]int, n), make([]int, n)
	for d, size := range m.shape {
		by[d] = []int{1, 1, 2, 3, -1, -1, -2}[r.IntN(7)]
		start[d] = r.IntN(size)
		room := size - start[d]
		if by[d] < 0 {
			room = start[d] + 1
		}
		shape[d] = 1 + r.IntN((room+abs(by[d])-1)/abs(by[d]))
		stop[d] = start[d] + (shape[d]-1)*by[d] + by[d]/abs(by[d])
		if stop[d] < 0 {
			stop[d] = -size - 1
		}
	}
	strides := m.strides()
	return move{fmt.Sprint("slice", start, stop, by), func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Slice(x, start, stop, by) },
		m.gather(shape, func(index []int) (at int) {
			for d, i := range index {
				at += (start[d] + i*by[d]) * strides[d]
			}
			return at
		})}
}

func abs(n int) int { return max(n, -n) }

func broadcast(r *rand.Rand, m model) move {
	shape, strides := slices.Clone(m.shape), m.strides()
	for d := range shape {
		if shape[d] == 1 && r.IntN(2) == 0 {
			shape[d], strides[d] = 1+r.IntN(3), 0
		}
	}
	if r.IntN(2) == 0 && len(shape) < 5 {
		shape, strides = append([]int{1 + r.IntN(3)}, shape...), append([]int{0}, strides...)
	}
	return move{fmt.Sprint("broadcast", shape), func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.BroadcastTo(x, shape...) },
		m.gather(shape, func(index []int) int { return dot(index, strides) })}
}

func asStrided(r *rand.Rand, m model) move {
	shape := []int{1 + r.IntN(3), 1 + r.IntN(4)}
	strides, low, high := []int{r.IntN(7) - 3, r.IntN(5) - 2}, 0, 0
	for d := range shape {
		reach := (shape[d] - 1) * strides[d]
		low, high = low+min(reach, 0), high+max(reach, 0)
	}
	if high-low >= m.size() {
		return move{"as it is", func(_ *mlx.Scope, x mlx.Array) mlx.Array { return x }, m}
	}
	offset := -low + r.IntN(m.size()-(high-low))
	return move{fmt.Sprint("as_strided", shape, strides, offset), func(s *mlx.Scope, x mlx.Array) mlx.Array {
		return s.AsStrided(x, shape, []int64{int64(strides[0]), int64(strides[1])}, uint64(offset))
	}, m.gather(shape, func(index []int) int { return offset + dot(index, strides) })}
}

func reshape(r *rand.Rand, m model) move {
	var shape []int
	for rest := m.size(); ; {
		var divisors []int
		for d := 1; d <= rest; d++ {
			if rest%d == 0 {
				divisors = append(divisors, d)
			}
		}
		d := divisors[r.IntN(len(divisors))]
		shape, rest = append(shape, d), rest/d
		if rest == 1 || len(shape) == 3 {
			shape = append(shape, rest)
			break
		}
	}
	return move{fmt.Sprint("reshape", shape), func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, shape...) }, model{shape, m.at}}
}

var moves = []func(*rand.Rand, model) move{transpose, transpose, cut, cut, broadcast, asStrided, reshape}

func TestEveryChainOfLayouts(t *testing.T) {
	t.Run("bool", testChains[bool])
	t.Run("uint8", testChains[uint8])
	t.Run("int16", testChains[int16])
	t.Run("uint32", testChains[uint32])
	t.Run("int64", testChains[int64])
	t.Run("float16", testChains[mlx.F16])
	t.Run("bfloat16", testChains[mlx.BF16])
	t.Run("float32", testChains[float32])
	t.Run("float64", testChains[float64])
	t.Run("complex64", testChains[complex64])
}

func testChains[T mlx.Element](t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for seed := range uint64(60) {
			testChain[T](t, th, rand.New(rand.NewPCG(seed, 42)))
		}
	})
}

// testChain applies some operations to a ramp and reads the result in every way.
func testChain[T mlx.Element](t *testing.T, th *mlx.Thread, r *rand.Rand) {
	m := model{[]int{2, 3, 4}, count(24)}
	x := slice(t, th, ramp[T](24), m.shape...)
	names := ""
	for range 1 + r.IntN(5) {
		next := moves[r.IntN(len(moves))](r, m)
		if next.model.size() > 500 {
			continue
		}
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return next.build(s, x) })
		require.NoError(t, x.Close())
		x, m, names = y, next.model, names+" "+next.name
	}
	defer x.Close()
	want := make([]T, len(m.at))
	for i, at := range m.at {
		want[i] = element[T](at)
	}
	for range 3 {
		i := r.IntN(len(want))
		got, err := mlx.At[T](th, x, m.index(r, i)...)
		require.NoError(t, err, names)
		require.Equal(t, want[i], got, names)
	}
	got, err := mlx.Values[T](th, x)
	require.NoError(t, err, names)
	require.Equal(t, want, got, names)
	require.NoError(t, mlx.View(th, x, func(v []T) error {
		require.Equal(t, want, v, names)
		return nil
	}), names)
	seq, err := mlx.Iter[T](th, x)
	require.NoError(t, err)
	require.Equal(t, want, slices.Collect(seq), names)
}

// index returns where element i is, some of the dimensions counted from the end.
func (m model) index(r *rand.Rand, i int) []int {
	out := make([]int, len(m.shape))
	for d, step := range m.strides() {
		out[d] = i / step % m.shape[d]
		if r.IntN(2) == 0 {
			out[d] -= m.shape[d]
		}
	}
	return out
}
