package runtime_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestCPUAddRMSNorm(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(6, 6))
		base, other := slice(t, th, uniform(r, 6*4*256), 6, 4, 256), slice(t, th, uniform(r, 6*4*256), 6, 4, 256)
		for i, v := range rowsViews(96) {
			dtype := stepDtypes[i%3]
			view := func(s *mlx.Scope, of mlx.Array) mlx.Array { return s.AsType(v.make(s, of), dtype) }
			x := build(t, th, func(s *mlx.Scope) mlx.Array { return view(s, base) })
			plus := build(t, th, func(s *mlx.Scope) mlx.Array { return view(s, other) })
			d, err := x.Shape()
			require.NoError(t, err)
			last := int(d[len(d)-1])
			w := halved(t, th, uniform(r, last), dtype, last)
			both := func(s *mlx.Scope) (sum, normed mlx.Array) { return s.CPUAddRMSNorm(x, plus, w, 1e-5) }
			requireAlike(t, th, dtype, 4, func(s *mlx.Scope) mlx.Array { sum, _ := both(s); return sum },
				func(s *mlx.Scope) mlx.Array { return single(s, s.Add(x, plus)) }, v.name)
			requireAlike(t, th, dtype, 4, func(s *mlx.Scope) mlx.Array { _, normed := both(s); return normed },
				func(s *mlx.Scope) mlx.Array { return s.RMSNorm(single(s, s.Add(x, plus)), single(s, w), 1e-5) }, v.name)
			require.NoError(t, mlx.CloseAll(x, plus, w))
		}
		require.NoError(t, mlx.CloseAll(base, other))
	})
}

// token is a case of attention of a token from its projection on.
type token struct {
	b, heads, kv, d, dims     int
	capacity, at, keys        int
	window                    int
	norms, rows, sinks, packs bool
}

// tokenArrays are what the token meets.
type tokenArrays struct{ qkv, qNorm, kNorm, cos, sin, keys, values, sinks mlx.Array }

func (c token) arrays(t *testing.T, th *mlx.Thread, dtype mlx.Dtype) tokenArrays {
	r := rand.New(rand.NewPCG(uint64(c.keys), uint64(c.d)))
	a := tokenArrays{qkv: halved(t, th, uniform(r, c.b*(c.heads+2*c.kv)*c.d), dtype, c.b, (c.heads+2*c.kv)*c.d)}
	a.keys = halved(t, th, uniform(r, c.b*c.kv*c.capacity*c.d), dtype, c.b, c.kv, c.capacity, c.d)
	a.values = halved(t, th, uniform(r, c.b*c.kv*c.capacity*c.d), dtype, c.b, c.kv, c.capacity, c.d)
	if c.norms {
		a.qNorm, a.kNorm = halved(t, th, uniform(r, c.d), dtype, c.d), halved(t, th, uniform(r, c.d), dtype, c.d)
	}
	if c.dims > 0 {
		a.cos, a.sin = angles(t, th, 1, c.d, c.dims, c.at, false)
	}
	if c.rows { // each row at a position of its own, 0 for the first
		closeBoth := []mlx.Array{a.cos, a.sin}
		cos, sin := angles(t, th, c.b, c.d, c.dims, 0, false)
		a.cos = build(t, th, func(s *mlx.Scope) mlx.Array { return s.Reshape(cos, c.b, 1, 1, c.d) })
		a.sin = build(t, th, func(s *mlx.Scope) mlx.Array { return s.Reshape(sin, c.b, 1, 1, c.d) })
		require.NoError(t, mlx.CloseAll(append(closeBoth, cos, sin)...))
	}
	if c.sinks {
		a.sinks = slice(t, th, uniform(r, c.heads), c.heads)
	}
	return a
}

func (a tokenArrays) close(t *testing.T) {
	for _, x := range []mlx.Array{a.qkv, a.qNorm, a.kNorm, a.cos, a.sin, a.keys, a.values, a.sinks} {
		require.NoError(t, x.Close())
	}
}

// call runs the kernel on buffers.
func (c token) call(s *mlx.Scope, a tokenArrays, keys, values []mlx.Array) []mlx.Array {
	group := 0
	if c.packs {
		group = 32
	}
	return s.CPUAttendToken(a.qkv, keys, values, a.qNorm, a.kNorm, 1e-5, a.cos, a.sin, c.dims, false, c.heads,
		c.at, c.keys, c.window, 0.2, 0, a.sinks, mlx.Array{}, group)
}

// buffers are keys or values as the cache has them.
func (c token) buffers(s *mlx.Scope, a mlx.Array) []mlx.Array {
	if c.packs {
		return pack8(s, a)
	}
	return []mlx.Array{a}
}

// plain are numbers in float32 of buffers.
func (c token) plain(s *mlx.Scope, all []mlx.Array) mlx.Array {
	if c.packs {
		return single(s, s.Dequantize(all[0], all[1], all[2], mlx.SomeInt(32), mlx.SomeInt(8), "affine", mlx.Array{}, mlx.OptionalDtype{}))
	}
	return single(s, all[0])
}

// want is what MLX makes of it, in float32: attention, keys and values.
func (c token) want(s *mlx.Scope, a tokenArrays) []mlx.Array {
	parts := s.SplitSections(s.Reshape(single(s, a.qkv), c.b, -1, 1, c.d), []int{c.heads, c.heads + c.kv}, 1)
	q, k, v := parts[0], parts[1], parts[2]
	if c.norms {
		q, k = s.RMSNorm(q, single(s, a.qNorm), 1e-5), s.RMSNorm(k, single(s, a.kNorm), 1e-5)
	}
	if c.dims > 0 {
		at := s.Full([]int{c.b}, s.Scalar(float64(c.at), mlx.Int32), mlx.Int32)
		if c.rows {
			at = s.Arange(0, float64(c.b), 1, mlx.Int32)
		}
		turn := func(x mlx.Array) mlx.Array {
			return s.RoPEDynamic(x, c.dims, false, mlx.SomeFloat(10000), 1, at, mlx.Array{})
		}
		q, k = turn(q), turn(k)
	}
	write := func(to, x mlx.Array) mlx.Array {
		return s.SliceUpdate(to, x, []int{0, 0, c.at, 0}, []int{c.b, c.kv, c.at + 1, c.d}, []int{1, 1, 1, 1})
	}
	keys, values := write(c.plain(s, c.buffers(s, a.keys)), k), write(c.plain(s, c.buffers(s, a.values)), v)
	seen := func(x mlx.Array) mlx.Array {
		from := 0
		if c.window > 0 {
			from = max(0, c.keys-c.window)
		}
		return s.Slice(x, []int{0, 0, from, 0}, []int{c.b, c.kv, c.keys, c.d}, []int{1, 1, 1, 1})
	}
	y := s.ScaledDotProductAttention(q, seen(keys), seen(values), 0.2, "", mlx.Array{}, a.sinks, false)
	return []mlx.Array{s.Reshape(y, c.b, c.heads*c.d), keys, values}
}

// check compares the attention and what is in the buffers then.
func (c token) check(t *testing.T, th *mlx.Thread, dtype mlx.Dtype) {
	t.Helper()
	what := fmt.Sprintf("%+v %v", c, dtype)
	a := c.arrays(t, th, dtype)
	for i, name := range []string{"attention", "keys", "values"} {
		step := 0.0
		if c.packs && i > 0 {
			step = 0.02 // a step of 255 between -2.5 and 2.5
		}
		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			out := c.call(s, a, c.buffers(s, a.keys), c.buffers(s, a.values))
			n := len(out) / 2
			have := []mlx.Array{single(s, out[0]), c.plain(s, out[1:1+n]), c.plain(s, out[1+n:])}
			return []mlx.Array{have[i], c.want(s, a)[i]}
		})
		require.NoError(t, err, what)
		have, want := read[float32](t, th, all[0]), read[float32](t, th, all[1])
		tolerance := 4*(3*roundoff(dtype)+2e-6) + step
		if c.packs {
			tolerance += 0.02
		}
		require.InDeltaSlice(t, want, have, tolerance, "%s: %s", what, name)
	}
	a.close(t)
}

func TestCPUAttendToken(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for i, c := range []token{
			{b: 1, heads: 9, kv: 3, d: 64, dims: 64, capacity: 256, at: 199, keys: 200},
			{b: 1, heads: 4, kv: 1, d: 256, dims: 256, capacity: 40, at: 3, keys: 40, norms: true},
			{b: 4, heads: 4, kv: 2, d: 32, dims: 16, capacity: 64, at: 40, keys: 41, window: 30, rows: true, sinks: true},
			{b: 2, heads: 2, kv: 2, d: 20, capacity: 9, at: 0, keys: 1, norms: true},
			{b: 2, heads: 6, kv: 2, d: 64, dims: 64, capacity: 64, at: 50, keys: 51, packs: true, norms: true},
		} {
			c.check(t, th, mlx.Float32)
			c.check(t, th, stepDtypes[1+i%2])
		}
	})
}

// A buffer that somebody else holds keeps its numbers; one that nobody else holds is
// written in place: there is no memory for a second.
func TestCPUAttendTokenWritesInPlace(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c := token{b: 1, heads: 4, kv: 2, d: 128, dims: 128, capacity: 4096, at: 7, keys: 8}
		size := c.b * c.kv * c.capacity * c.d * 4
		a := c.arrays(t, th, mlx.Float32)
		before := read[float32](t, th, retained(t, a.keys))
		step := func(keys, values mlx.Array) []mlx.Array {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return c.call(s, a, []mlx.Array{keys}, []mlx.Array{values}) })
			require.NoError(t, err)
			return all
		}
		held := step(a.keys, a.values)
		require.NoError(t, th.Eval(held...))
		require.Equal(t, before, read[float32](t, th, retained(t, a.keys)), "the held buffer")
		next := step(held[1], held[2])
		require.NoError(t, mlx.CloseAll(held...))
		require.NoError(t, th.ClearCache())
		require.NoError(t, th.ResetPeakMemory())
		active, err := th.ActiveMemory()
		require.NoError(t, err)
		require.NoError(t, th.Eval(next...))
		peak, err := th.PeakMemory()
		require.NoError(t, err)
		require.Less(t, int(peak)-int(active), size/2, "in place")
		require.NoError(t, mlx.CloseAll(next...))
		a.close(t)
	})
}

// A graph that is never evaluated is freed, although its nodes know each other.
func TestCPUAttendTokenUnevaluated(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		active := func() uint64 {
			n, err := th.ActiveMemory()
			require.NoError(t, err)
			return n
		}
		before := active()
		c := token{b: 1, heads: 4, kv: 2, d: 64, dims: 64, capacity: 4096, at: 7, keys: 8}
		a := c.arrays(t, th, mlx.Float32)
		for range 3 {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				out := c.call(s, a, []mlx.Array{a.keys}, []mlx.Array{a.values})
				sum, normed := s.CPUAddRMSNorm(out[0], out[0], mlx.Array{}, 1e-5)
				return append(c.call(s, a, out[1:2], out[2:]), sum, normed)
			})
			require.NoError(t, err)
			require.NoError(t, mlx.CloseAll(all...))
		}
		a.close(t)
		require.LessOrEqual(t, active(), before)
	})
}

// retained is another handle of an array, for a reader that closes what it reads.
func retained(t *testing.T, a mlx.Array) mlx.Array {
	t.Helper()
	kept, err := a.Retain()
	require.NoError(t, err)
	return kept
}

func TestCPUTokenRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c := token{b: 2, heads: 4, kv: 2, d: 8, dims: 8, capacity: 6, at: 5, keys: 6, norms: true}
		a := c.arrays(t, th, mlx.Float32)
		call := func(change func(c *token, a *tokenArrays)) func(s *mlx.Scope) mlx.Array {
			return func(s *mlx.Scope) mlx.Array {
				c, a := c, a
				change(&c, &a)
				if out := c.call(s, a, []mlx.Array{a.keys}, []mlx.Array{a.values}); len(out) > 0 {
					return out[0]
				}
				return mlx.Array{}
			}
		}
		for want, f := range map[string]func(s *mlx.Scope) mlx.Array{
			"a token (2,64) is not the keys and values, and queries of 3 heads": call(func(c *token, _ *tokenArrays) { c.heads = 3 }),
			"a token (8) is not":                 call(func(_ *token, a *tokenArrays) { a.qkv = a.qNorm }),
			"the place 6 is not among 6 keys":    call(func(c *token, _ *tokenArrays) { c.at = 6 }),
			"the place -1 is not among 6 keys":   call(func(c *token, _ *tokenArrays) { c.at = -1 }),
			"do not fit queries (2,4,1,8)":       call(func(c *token, _ *tokenArrays) { c.keys = 7 }),
			"wants two norms or none":            call(func(_ *token, a *tokenArrays) { a.kNorm = mlx.Array{} }),
			"wants two angles or none":           call(func(_ *token, a *tokenArrays) { a.cos = mlx.Array{} }),
			"cannot turn 7 of 8 features":        call(func(c *token, _ *tokenArrays) { c.dims = 7 }),
			"by cosines and sines (8)":           call(func(_ *token, a *tokenArrays) { a.cos = a.qNorm }),
			"a weight (1,8) does not norm heads": call(func(_ *token, a *tokenArrays) { a.qNorm = a.cos }),
			"wants a sink of float32":            call(func(_ *token, a *tokenArrays) { a.sinks = a.qNorm }),
			"what is added (1,8) and the weight": func(s *mlx.Scope) mlx.Array { sum, _ := s.CPUAddRMSNorm(a.qkv, a.cos, mlx.Array{}, 1); return sum },
			"a weight (8) does not fit x (2,64)": func(s *mlx.Scope) mlx.Array { sum, _ := s.CPUAddRMSNorm(a.qkv, a.qkv, a.qNorm, 1); return sum },
			"cannot halve (2,64,1)":              func(s *mlx.Scope) mlx.Array { return s.CPUGated(s.ExpandDims(a.qkv, 2), mlx.Array{}, "silu", 0, 0) },
			"expected a non-empty mlx_array":     call(func(_ *token, a *tokenArrays) { a.qkv = mlx.Array{} }),
		} {
			_, err := th.Build(f)
			require.ErrorContains(t, err, want)
		}
		a.close(t)
	})
}
