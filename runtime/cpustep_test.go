package runtime_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var stepDtypes = []mlx.Dtype{mlx.Float32, mlx.BFloat16, mlx.Float16}

// requireAlike requires that both functions of a Scope give the same within the rounding of
// a dtype to numbers of that size.
func requireAlike(t *testing.T, th *mlx.Thread, dtype mlx.Dtype, size float64, got, want func(s *mlx.Scope) mlx.Array, what string) {
	t.Helper()
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		have, expected := got(s), want(s)
		require.Equal(t, s.Shape(expected), s.Shape(have), what)
		require.Equal(t, dtype, s.DtypeOf(have), what)
		return []mlx.Array{s.AsType(have, mlx.Float32), s.AsType(expected, mlx.Float32)}
	})
	require.NoError(t, err, what)
	have, expected := read[float32](t, th, all[0]), read[float32](t, th, all[1])
	require.InDeltaSlice(t, expected, have, size*(2*roundoff(dtype)+2e-6), what)
}

// single is a Scope's array in float32, for what MLX is to compute there.
func single(s *mlx.Scope, a mlx.Array) mlx.Array { return s.AsType(a, mlx.Float32) }

func TestCPURMSNorm(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(1, 1))
		base := slice(t, th, uniform(r, 6*4*256), 6, 4, 256)
		for i, v := range rowsViews(96) {
			dtype := stepDtypes[i%3]
			x := build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(v.make(s, base), dtype) })
			d, err := x.Shape()
			require.NoError(t, err)
			last := int(d[len(d)-1])
			w := halved(t, th, uniform(r, last), dtype, last)
			requireAlike(t, th, dtype, 4, func(s *mlx.Scope) mlx.Array { return s.CPURMSNorm(x, w, 1e-5) },
				func(s *mlx.Scope) mlx.Array { return s.RMSNorm(single(s, x), single(s, w), 1e-5) }, v.name)
			requireAlike(t, th, dtype, 4, func(s *mlx.Scope) mlx.Array { return s.CPURMSNorm(x, mlx.Array{}, 1e-3) },
				func(s *mlx.Scope) mlx.Array { return s.RMSNorm(single(s, x), mlx.Array{}, 1e-3) }, v.name)
			require.NoError(t, mlx.CloseAll(x, w))
		}
		require.NoError(t, base.Close())
	})
}

// The norm has the numbers of MLX's operations, to the last bit where MLX adds a row's squares
// one after the other.
func TestCPURMSNormIsMLXs(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("MLX adds in vectors there")
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		for _, dtype := range stepDtypes {
			for _, d := range []int{1, 7, 64, 576, 2050} {
				out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					x := s.AsType(s.RandomNormal([]int{3, 5, d}, mlx.Float32, 0, 20, s.RandomKey(7)), dtype)
					r := s.AsType(s.RandomNormal([]int{3, 5, d}, mlx.Float32, 0, 4, s.RandomKey(8)), dtype)
					w := s.AsType(s.RandomNormal([]int{d}, mlx.Float32, 1, 1, s.RandomKey(9)), dtype)
					sum, normed := s.CPUAddRMSNorm(x, r, w, 1e-5)
					all := []mlx.Array{s.CPURMSNorm(x, w, 1e-5), s.RMSNorm(x, w, 1e-5), sum, s.Add(x, r), normed, s.RMSNorm(s.Add(x, r), w, 1e-5)}
					for i := range all {
						all[i] = single(s, all[i])
					}
					return all
				})
				require.NoError(t, err)
				for i := 0; i < len(out); i += 2 {
					require.Equal(t, read[float32](t, th, out[i+1]), read[float32](t, th, out[i]), "%v, rows of %d, result %d", dtype, d, i/2)
				}
			}
		}
	})
}

func TestCPUGated(t *testing.T) {
	silu := func(s *mlx.Scope, g, u mlx.Array) mlx.Array { return s.Multiply(s.Multiply(g, s.Sigmoid(g)), u) }
	number := func(s *mlx.Scope, v float64) mlx.Array { return s.Scalar(v, mlx.Float32) }
	for name, f := range map[string]func(s *mlx.Scope, g, u mlx.Array) mlx.Array{
		"silu": silu,
		"gelu_tanh": func(s *mlx.Scope, g, u mlx.Array) mlx.Array {
			cube := s.Multiply(g, s.Multiply(g, g))
			inner := s.Multiply(number(s, math.Sqrt(2/math.Pi)), s.Add(g, s.Multiply(number(s, 0.044715), cube)))
			return s.Multiply(s.Multiply(s.Multiply(number(s, 0.5), g), s.Add(number(s, 1), s.Tanh(inner))), u)
		},
		"silu_oai": func(s *mlx.Scope, g, u mlx.Array) mlx.Array {
			g, u = s.Minimum(g, number(s, 7)), s.Clip(u, number(s, -7), number(s, 7))
			return s.Multiply(s.Multiply(g, s.Sigmoid(s.Multiply(number(s, 1.702), g))), s.Add(u, number(s, 1)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				r := rand.New(rand.NewPCG(2, 2))
				for i, d := range []int{1, 7, 64, 100} {
					dtype := stepDtypes[i%3]
					both := build(t, th, func(s *mlx.Scope) mlx.Array {
						return s.AsType(s.Multiply(s.RandomNormal([]int{3, 5, 2 * d}, mlx.Float32, 0, 4, s.RandomKey(uint64(r.Uint32()))), number(s, 1)), dtype)
					})
					halves := func(s *mlx.Scope, a mlx.Array) (gate, up mlx.Array) { // as of a fused projection
						parts := s.Split(a, 2, -1)
						return parts[0], parts[1]
					}
					requireAlike(t, th, dtype, 150, func(s *mlx.Scope) mlx.Array {
						gate, up := halves(s, both)
						return s.CPUGated(gate, up, name, 1.702, 7)
					}, func(s *mlx.Scope) mlx.Array {
						gate, up := halves(s, single(s, both))
						return f(s, gate, up)
					}, fmt.Sprint(d))
					requireAlike(t, th, dtype, 150, func(s *mlx.Scope) mlx.Array { return s.CPUGated(both, mlx.Array{}, name, 1.702, 7) },
						func(s *mlx.Scope) mlx.Array {
							gate, up := halves(s, single(s, both))
							return f(s, gate, up)
						}, fmt.Sprint("halves of ", d))
					require.NoError(t, both.Close())
				}
			})
		})
	}
}

// Whole sequences are gated by our kernel too: in float32 it has MLX's numbers, to the last
// bit where the processor has multiply-adds.
func TestCPUGatedIsMLXs(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		isa, _, err := mlx.KernelInfo()
		require.NoError(t, err)
		out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			gate := s.RandomNormal([]int{200, 1001}, mlx.Float32, 0, 20, s.RandomKey(7))
			up := s.RandomNormal([]int{200, 1001}, mlx.Float32, 0, 4, s.RandomKey(8))
			return []mlx.Array{
				s.CPUGated(gate, up, "silu", 0, 0),
				s.Multiply(s.Multiply(gate, s.Sigmoid(gate)), up),
			}
		})
		require.NoError(t, err)
		have, want := read[float32](t, th, out[0]), read[float32](t, th, out[1])
		exact, worst := isa == "avx2" || isa == "avx512", 0.0
		for i := range want {
			if exact {
				require.Equal(t, want[i], have[i], "number %d", i)
			}
			worst = max(worst, math.Abs(float64(want[i]-have[i]))/max(1, math.Abs(float64(want[i]))))
		}
		require.Less(t, worst, 1e-6)
	})
}

// Rope by the angles of positions is MLX's.
func TestCPURoPE(t *testing.T) {
	for _, c := range []struct {
		b, h, l, d, dims, offset int
		traditional              bool
	}{
		{1, 9, 1, 64, 64, 511, false}, {2, 3, 5, 64, 32, 7, false}, {2, 3, 5, 64, 32, 7, true}, {1, 2, 3, 10, 6, 0, true}, {3, 1, 40, 256, 256, 3, false},
	} {
		for _, dtype := range stepDtypes {
			t.Run(fmt.Sprintf("%+v %v", c, dtype), func(t *testing.T) {
				leaktest.Do(t, func(th *mlx.Thread) {
					r := rand.New(rand.NewPCG(3, 3))
					wide := halved(t, th, uniform(r, c.b*c.l*(c.h+2)*c.d), dtype, c.b, c.l, c.h+2, c.d)
					part := func(s *mlx.Scope) mlx.Array { // heads of a fused projection
						return s.SwapAxes(s.Slice(wide, []int{0, 0, 1, 0}, []int{c.b, c.l, c.h + 1, c.d}, []int{1, 1, 1, 1}), 1, 2)
					}
					cos, sin := angles(t, th, c.l, c.d, c.dims, c.offset, c.traditional)
					requireAlike(t, th, dtype, 20, func(s *mlx.Scope) mlx.Array { return s.CPURoPE(part(s), cos, sin, c.dims, c.traditional) },
						func(s *mlx.Scope) mlx.Array {
							return s.RoPE(single(s, part(s)), c.dims, c.traditional, mlx.SomeFloat(10000), 1, c.offset, mlx.Array{})
						}, "rope")
					require.NoError(t, mlx.CloseAll(wide, cos, sin))
				})
			})
		}
	}
}

// angles are (cos, cos, 1) and (-sin, sin, 0) of positions.
func angles(t *testing.T, th *mlx.Thread, l, d, dims, offset int, neighbours bool) (cos, sin mlx.Array) {
	t.Helper()
	cosines, sines := make([]float32, l*d), make([]float32, l*d)
	for at := range l {
		for i := range d {
			cosines[at*d+i] = 1
			pair, first := i%(dims/2), i < dims/2
			if neighbours {
				pair, first = i/2, i%2 == 0
			}
			if i >= dims {
				continue
			}
			theta := float64(offset+at) * math.Pow(10000, -2*float64(pair)/float64(dims))
			cosines[at*d+i], sines[at*d+i] = float32(math.Cos(theta)), float32(math.Sin(theta))
			if first {
				sines[at*d+i] *= -1
			}
		}
	}
	return slice(t, th, cosines, l, d), slice(t, th, sines, l, d)
}

func TestCPUArgmax(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(4, 4))
		base := slice(t, th, uniform(r, 6*4*256), 6, 4, 256)
		for i, v := range rowsViews(100) {
			if v.name == "no rows" {
				continue // which MLX refuses
			}
			dtype := stepDtypes[i%3]
			x := build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(v.make(s, base), dtype) })
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return []mlx.Array{s.CPUArgmax(x), s.ArgmaxAxis(x, -1, false)} })
			require.NoError(t, err)
			require.Equal(t, read[uint32](t, th, all[1]), read[uint32](t, th, all[0]), v.name)
			require.NoError(t, x.Close())
		}
		require.NoError(t, base.Close())
	})
}

// attended is a case of attention.
type attended struct {
	b, heads, kv, l, d, dv int
	capacity, keys, window int
	sinks, hidden, packed  bool
}

// check compares the kernel with MLX's attention over keys that are cut out and unpacked,
// with a mask.
func (c attended) check(t *testing.T, th *mlx.Thread, dtype mlx.Dtype) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(c.keys), uint64(c.d)))
	q := halved(t, th, uniform(r, c.b*c.l*c.heads*c.d), dtype, c.b, c.l, c.heads, c.d)
	k := halved(t, th, uniform(r, c.b*c.kv*c.capacity*c.d), dtype, c.b, c.kv, c.capacity, c.d)
	v := halved(t, th, uniform(r, c.b*c.kv*c.capacity*c.dv), dtype, c.b, c.kv, c.capacity, c.dv)
	open := make([]bool, c.b*c.l*c.keys) // what the mask leaves of the keys
	for i := range open {
		key, query, row := i%c.keys, i/c.keys%c.l, i/c.keys/c.l
		own := c.keys - c.l + query
		open[i] = key <= own && (c.window == 0 || key > own-c.window) && (!c.hidden || key >= min(row, own))
	}
	seen := slice(t, th, open, c.b, 1, c.l, c.keys)
	scores := slice(t, th, uniform(r, c.heads), c.heads)
	var sinks, mask mlx.Array
	if c.sinks {
		sinks = scores
	}
	if c.hidden {
		mask = seen
	}
	heads := func(s *mlx.Scope) mlx.Array { return s.SwapAxes(q, 1, 2) }
	requireAlike(t, th, dtype, 4, func(s *mlx.Scope) mlx.Array {
		keys, values, group := []mlx.Array{k}, []mlx.Array{v}, 0
		if c.packed {
			keys, values, group = pack8(s, k), pack8(s, v), 32
		}
		return s.CPUAttention(heads(s), keys, values, c.keys, c.window, 0.2, 0, sinks, mask, group)
	}, func(s *mlx.Scope) mlx.Array {
		first := func(a mlx.Array) mlx.Array {
			if c.packed {
				p := pack8(s, a)
				a = s.Dequantize(p[0], p[1], p[2], mlx.SomeInt(32), mlx.SomeInt(8), "affine", mlx.Array{}, mlx.OptionalDtype{})
			}
			return single(s, s.Slice(a, []int{0, 0, 0, 0}, []int{c.b, c.kv, c.keys, s.Dim(a, 3)}, []int{1, 1, 1, 1}))
		}
		return s.ScaledDotProductAttention(single(s, heads(s)), first(k), first(v), 0.2, "array", seen, sinks, false)
	}, fmt.Sprintf("%+v %v", c, dtype))
	require.NoError(t, mlx.CloseAll(q, k, v, seen, scores))
}

func pack8(s *mlx.Scope, a mlx.Array) []mlx.Array {
	return s.Quantize(a, mlx.SomeInt(32), mlx.SomeInt(8), "affine", mlx.Array{})
}

func TestCPUAttention(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for i, c := range []attended{
			{b: 1, heads: 9, kv: 3, l: 1, d: 64, dv: 64, capacity: 256, keys: 200},
			{b: 8, heads: 4, kv: 1, l: 1, d: 32, dv: 32, capacity: 40, keys: 33, hidden: true},
			{b: 2, heads: 4, kv: 2, l: 1, d: 20, dv: 12, capacity: 90, keys: 90, window: 30, sinks: true},
			{b: 1, heads: 9, kv: 3, l: 70, d: 64, dv: 64, capacity: 256, keys: 200},
			{b: 2, heads: 4, kv: 1, l: 40, d: 32, dv: 64, capacity: 100, keys: 90, window: 16, sinks: true},
			{b: 3, heads: 2, kv: 2, l: 5, d: 7, dv: 9, capacity: 30, keys: 20, hidden: true},
			{b: 2, heads: 6, kv: 2, l: 1, d: 64, dv: 32, capacity: 64, keys: 50, packed: true},
			{b: 2, heads: 6, kv: 2, l: 9, d: 64, dv: 32, capacity: 64, keys: 50, packed: true, hidden: true, sinks: true},
		} {
			c.check(t, th, mlx.Float32)
			c.check(t, th, stepDtypes[1+i%2])
		}
	})
}

// A step's operations say what does not fit before they make a node.
func TestCPUStepRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(5, 5))
		x, q := slice(t, th, uniform(r, 2*8), 2, 8), slice(t, th, uniform(r, 2*4*1*8), 2, 4, 1, 8)
		kv, table, ints := slice(t, th, uniform(r, 2*2*6*8), 2, 2, 6, 8), slice(t, th, uniform(r, 8), 1, 8), slice(t, th, make([]int32, 8), 8)
		none := mlx.Array{}
		attention := func(keys, values []mlx.Array, length, group int, sinks, mask mlx.Array) func(s *mlx.Scope) mlx.Array {
			return func(s *mlx.Scope) mlx.Array {
				return s.CPUAttention(q, keys, values, length, 0, 1, 0, sinks, mask, group)
			}
		}
		one := []mlx.Array{kv}
		for want, call := range map[string]func(s *mlx.Scope) mlx.Array{
			"a weight (2,8) does not fit x (2,8)":            func(s *mlx.Scope) mlx.Array { return s.CPURMSNorm(x, x, 1e-5) },
			"cpu_argmax: wants float32, bfloat16 or float16": func(s *mlx.Scope) mlx.Array { return s.CPUArgmax(ints) },
			`does not know the activation "relu"`:            func(s *mlx.Scope) mlx.Array { return s.CPUGated(x, x, "relu", 0, 0) },
			"a gate (2,8) does not go with (2,4,1,8)":        func(s *mlx.Scope) mlx.Array { return s.CPUGated(x, q, "silu", 0, 0) },
			"cannot turn 10 features of x (2,4,1,8)":         func(s *mlx.Scope) mlx.Array { return s.CPURoPE(q, table, table, 10, false) },
			"(2,8) do not fit x (2,4,1,8)":                   func(s *mlx.Scope) mlx.Array { return s.CPURoPE(q, x, x, 8, false) },
			"wants x [b, h, l, d], not (2,8)":                func(s *mlx.Scope) mlx.Array { return s.CPURoPE(x, table, table, 8, false) },
			"keys or values (2,2,6,8) do not fit queries":    attention(one, one, 7, 0, none, none),
			"wants 3 arrays of keys and as many of values":   attention(one, one, 6, 32, none, none),
			"does not know groups of 48":                     attention(one, one, 6, 48, none, none),
			"wants a sink of float32 for each of the heads":  attention(one, one, 6, 0, table, none),
			"wants a mask of bool":                           attention(one, one, 6, 0, none, table),
			"expected a non-empty mlx_array":                 attention([]mlx.Array{none}, one, 6, 0, none, none),
			"keys or values (2,4,1,8) do not fit queries":    attention([]mlx.Array{q}, one, 6, 0, none, none),
		} {
			_, err := th.Build(call)
			require.ErrorContains(t, err, want)
		}
		require.NoError(t, mlx.CloseAll(x, q, kv, table, ints))
	})
}
