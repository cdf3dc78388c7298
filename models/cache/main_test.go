package cache_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// newCache makes a cache of n plain layers.
func newCache(t *testing.T, th *mlx.Thread, n int) *cache.Cache {
	t.Helper()
	return cache.New(th, slices.Repeat([]cache.Kind{cache.Full()}, n))
}

// sequence is a batch of queries, keys and values, and the attention of each query
// over the keys before it, computed here in double precision.
type sequence struct {
	batch, heads, kvHeads, length, dim int

	q, k, v []float32 // [B, H, L, d]
	want    []float64 // [B, Hq, L, d]

	softcap float64
	sinks   []float32 // [Hq]
}

const scale = 0.4

func newSequence(batch, heads, kvHeads, length, dim int) *sequence {
	x := &sequence{batch: batch, heads: heads, kvHeads: kvHeads, length: length, dim: dim}
	n := batch * kvHeads * length * dim
	x.q, x.k, x.v = waves(batch*heads*length*dim, 0.7), waves(n, 1.3), waves(n, 2.9)
	return x.sees(func(l int) []int { return upTo(0, l) })
}

// upTo are the numbers from one to another, both included.
func upTo(from, to int) (all []int) {
	for p := from; p <= to; p++ {
		all = append(all, p)
	}
	return all
}

// sees computes the reference where query l sees the keys of some positions.
func (x *sequence) sees(keys func(l int) []int) *sequence {
	x.want = make([]float64, len(x.q))
	for l := range x.length {
		x.seesAt(l, keys(l))
	}
	return x
}

// seesAt computes the reference of one query.
func (x *sequence) seesAt(l int, keys []int) {
	for b := range x.batch {
		for h := range x.heads {
			x.attend(b, h, l, keys)
		}
	}
}

// waves are numbers between -2 and 2 that hardly repeat.
func waves(n int, step float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(2 * math.Sin(step*float64(i)+float64(i%13)))
	}
	return out
}

// at is where vector l of a head begins.
func (x *sequence) at(heads, b, h, l int) int { return ((b*heads+h)*x.length + l) * x.dim }

// attend is softmax(scale q k) v over some positions.
func (x *sequence) attend(b, h, l int, keys []int) {
	q, out := x.at(x.heads, b, h, l), x.at(x.heads, b, h, l)
	clear(x.want[out : out+x.dim])
	sum := 0.0
	if x.sinks != nil {
		sum = math.Exp(float64(x.sinks[h]))
	}
	for _, p := range keys {
		kv := x.at(x.kvHeads, b, h/(x.heads/x.kvHeads), p)
		dot := 0.0
		for d := range x.dim {
			dot += float64(x.q[q+d]) * float64(x.k[kv+d])
		}
		score := scale * dot
		if x.softcap != 0 {
			score = x.softcap * math.Tanh(score/x.softcap)
		}
		w := math.Exp(score)
		sum += w
		for d := range x.dim {
			x.want[out+d] += w * float64(x.v[kv+d])
		}
	}
	for d := range x.dim {
		x.want[out+d] /= sum
	}
}

// part takes positions [from, to) of [B, H, L, d].
func part[T any](x *sequence, all []T, heads, from, to int) (out []T) {
	for b := range x.batch {
		for h := range heads {
			out = append(out, all[x.at(heads, b, h, from):x.at(heads, b, h, to)]...)
		}
	}
	return out
}

// inputs are positions [from, to) as arrays of the Scope.
func (x *sequence) inputs(s *mlx.Scope, from, to int) (q, k, v mlx.Array) {
	array := func(all []float32, heads int) mlx.Array {
		return mlx.Const(s, part(x, all, heads, from, to), x.batch, heads, to-from, x.dim)
	}
	return array(x.q, x.heads), array(x.k, x.kvHeads), array(x.v, x.kvHeads)
}

// requireStep puts positions [from, to) into the cache and compares what comes
// back with the reference.
func (x *sequence) requireStep(t *testing.T, th *mlx.Thread, kv cache.Layer, from, to int) {
	t.Helper()
	require.Equal(t, from, kv.Offset())
	x.requireAttend(t, th, kv, from, to)
	require.Equal(t, to, kv.Offset())
}

// requireAttend compares the attention of positions [from, to) with the reference.
func (x *sequence) requireAttend(t *testing.T, th *mlx.Thread, kv cache.Layer, from, to int) {
	t.Helper()
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		a := cache.Attention{Scale: scale, Softcap: float32(x.softcap)}
		if x.sinks != nil {
			a.Sinks = mlx.Const(s, x.sinks, x.heads)
		}
		return x.attended(s, kv.(cache.KV), from, to, a)
	})
	require.NoError(t, err)
	defer out.Close()
	require.Equal(t, []int{x.batch, x.heads, to - from, x.dim}, shapeOf(t, out))
	have, err := mlx.Values[float32](th, out)
	require.NoError(t, err)
	for i, want := range part(x, x.want, x.heads, from, to) {
		require.InDelta(t, want, have[i], 2e-5, "positions %d to %d, element %d", from, to, i)
	}
}

// attended is the attention of positions [from, to). Every other single token comes
// as it leaves a joined projection.
func (x *sequence) attended(s *mlx.Scope, kv cache.KV, from, to int, a cache.Attention) mlx.Array {
	q, k, v := x.inputs(s, from, to)
	if to-from > 1 || from%2 == 0 {
		return kv.Attend(s, q, k, v, a)
	}
	flat := func(a mlx.Array) mlx.Array { return s.Reshape(a, x.batch, -1) }
	row := s.ConcatenateAxis([]mlx.Array{flat(q), flat(k), flat(v)}, -1)
	y := cache.Attend(s, kv, nn.JoinedQKV(s, row, x.dim, x.heads, x.kvHeads), a)
	return s.Reshape(y, x.batch, x.heads, 1, x.dim)
}

// asStored is the sequence whose reference sees keys and values as they are after
// quantisation.
func (x *sequence) asStored(t *testing.T, th *mlx.Thread, bits, group int, keys func(l int) []int) *sequence {
	t.Helper()
	stored := func(values []float32) []float32 {
		out, err := th.Build(func(s *mlx.Scope) mlx.Array {
			p := s.Quantize(mlx.Const(s, values, len(values)/x.dim, x.dim), mlx.SomeInt(group), mlx.SomeInt(bits), "affine", mlx.Array{})
			return s.Dequantize(p[0], p[1], p[2], mlx.SomeInt(group), mlx.SomeInt(bits), "affine", mlx.Array{}, mlx.OptionalDtype{})
		})
		require.NoError(t, err)
		defer out.Close()
		back, err := mlx.Values[float32](th, out)
		require.NoError(t, err)
		return back
	}
	k, v := x.k, x.v
	x.k, x.v = stored(k), stored(v)
	x.sees(keys)
	x.k, x.v = k, v
	return x
}

func shapeOf(t *testing.T, a mlx.Array) (shape []int) {
	t.Helper()
	dims, err := a.Shape()
	require.NoError(t, err)
	for _, d := range dims {
		shape = append(shape, int(d))
	}
	return shape
}
