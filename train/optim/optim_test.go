package optim

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// four is a model of the parameters of testdata/optim.py.
type four struct {
	Matrix nn.Param `weight:"matrix"`
	Vector nn.Param `weight:"vector"`
	Wide   nn.Param `weight:"wide"`
	Cube   nn.Param `weight:"cube"`
}

func wave(shape []int, f func(i float64) float64) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(f(float64(i)))
	}
	return out
}

// made is a model whose parameters are of dtype.
func made(t *testing.T, th *mlx.Thread, owner *mlx.Owner, dtype mlx.Dtype) nn.Tree {
	t.Helper()
	m := &four{
		Matrix: nn.Param{Shape: []int{6, 4}}, Vector: nn.Param{Shape: []int{5}},
		Wide: nn.Param{Shape: []int{3, 5}}, Cube: nn.Param{Shape: []int{4, 2, 3}},
	}
	for _, p := range []*nn.Param{&m.Matrix, &m.Vector, &m.Wide, &m.Cube} {
		p.Init = func(s *mlx.Scope, _ *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
			return s.AsType(mlx.Const(s, wave(shape, func(i float64) float64 { return math.Cos(0.7 * i) }), shape...), dtype)
		}
	}
	require.NoError(t, nn.Init(th, m, 0, owner, nn.WithDtype(dtype)))
	return nn.Parameters(m)
}

// gradients are those of a step of testdata/optim.py.
func gradients(s *mlx.Scope, params nn.Tree, step int) []mlx.Array {
	out := make([]mlx.Array, len(params))
	for i, p := range params {
		f := func(i float64) float64 { return math.Sin(i*(0.37+0.11*float64(step)) + 1.3*float64(step)) }
		out[i] = s.AsType(mlx.Const(s, wave(p.Shape, f), p.Shape...), s.DtypeOf(p.Array()))
	}
	return out
}

func step(t *testing.T, th *mlx.Thread, st *State, params nn.Tree, n int, rate float64) {
	t.Helper()
	_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		st.Update(s, gradients(s, params, n), s.Scalar(rate, mlx.Float32))
		return nil
	})
	require.NoError(t, err)
	for _, slot := range append(st.Slots(), params.Slots()...) {
		require.NoError(t, th.Eval(*slot))
	}
}

var cases = map[string]struct {
	rate float64
	o    Optimizer
}{
	"sgd":              {0.1, NewSGD()},
	"sgd momentum":     {0.1, SGD{Momentum: 0.9, WeightDecay: 0.02, Dampening: 0.1}},
	"sgd nesterov":     {0.1, SGD{Momentum: 0.9, Nesterov: true}},
	"adam":             {0.01, NewAdam()},
	"adam corrected":   {0.01, Adam{Betas: [2]float64{0.8, 0.95}, Eps: 1e-6, BiasCorrection: true}},
	"adamw":            {0.01, NewAdamW()},
	"adamw corrected":  {0.01, AdamW{Adam{[2]float64{0.9, 0.999}, 1e-8, true}, 0.1}},
	"lion":             {0.01, NewLion()},
	"lion decay":       {0.01, Lion{[2]float64{0.8, 0.9}, 0.1}},
	"adafactor":        {0, NewAdafactor()},
	"adafactor rate":   {0.05, Adafactor{Eps: [2]float64{1e-30, 1e-3}, ClipThreshold: 0.5, DecayRate: -0.8, Beta1: 0.9, WeightDecay: 0.1, ScaleParameter: true}},
	"adafactor warmup": {0, Adafactor{Eps: [2]float64{1e-30, 1e-3}, ClipThreshold: 1, DecayRate: -0.8, RelativeStep: true, WarmupInit: true}},
	"muon":             {0.05, NewMuon()},
	"muon plain":       {0.05, Muon{Momentum: 0.95, Steps: 3}},
}

// Ten steps of each optimizer leave the parameters and the state, by its names and
// types, that mlx.optimizers leaves: in bfloat16 to the bit.
func TestOptimizersEqualReference(t *testing.T) {
	for name, c := range cases {
		for kind, dtype := range map[string]mlx.Dtype{"f32": mlx.Float32, "bf16": mlx.BFloat16} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				reftest.Do(t, filepath.Join("testdata", "optim.safetensors"), func(r *reftest.Reference) {
					owner := r.Thread.NewOwner("test")
					defer owner.Close()
					params := made(t, r.Thread, owner, dtype)
					st, err := NewState(r.Thread, c.o, params, owner)
					require.NoError(t, err)
					for n := range 10 {
						step(t, r.Thread, st, params, n, c.rate)
					}
					requireReference(r, name+"/"+kind, st, params)
				})
			})
		}
	}
}

// requireReference compares the parameters and the state with those of a case.
func requireReference(r *reftest.Reference, name string, st *State, params nn.Tree) {
	r.T.Helper()
	want := r.Named(name + "/param/")
	require.Len(r.T, params, len(want))
	for p, a := range params.All() {
		r.RequireClose(name+"/param/"+p, a)
	}
	state := r.Named(name + "/state/")
	have := st.Arrays()
	require.ElementsMatch(r.T, slices.Collect(maps.Keys(state)), slices.Collect(maps.Keys(have)))
	for n := range state {
		r.RequireClose(name+"/state/"+n, have[n])
	}
}

// The same in one compiled step, whose state are the parameters and the optimizer's
// own: it is traced once. MLX compiles kernels for each optimizer, so these are a few.
func TestOptimizersCompiled(t *testing.T) {
	for _, name := range []string{"adamw corrected", "adafactor rate", "muon"} {
		c := cases[name]
		reftest.Do(t, filepath.Join("testdata", "optim.safetensors"), func(r *reftest.Reference) {
			owner := r.Thread.NewOwner("test")
			defer owner.Close()
			params := made(t, r.Thread, owner, mlx.Float32)
			st, err := NewState(r.Thread, c.o, params, owner)
			require.NoError(t, err)
			compiled, err := r.Thread.Compile(func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
				st.Update(s, in[1:], in[0])
				return nil
			}, mlx.WithState(append(params.Slots(), st.Slots()...)...))
			require.NoError(t, err)
			defer compiled.Close()
			for n := range 10 {
				_, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
					rate := s.Scalar(c.rate, mlx.Float32)
					return compiled.Call(s, append([]mlx.Array{rate}, gradients(s, params, n)...)...)
				})
				require.NoError(t, err)
				require.NoError(t, r.Thread.Eval(params.Arrays()...))
			}
			requireReference(r, name+"/f32", st, params)
			require.Zero(t, compiled.Retraces())
		})
	}
}

// The norm of gradients and what clipping leaves are MLX's.
func TestClipNormEqualsReference(t *testing.T) {
	reftest.Do(t, filepath.Join("testdata", "optim.safetensors"), func(r *reftest.Reference) {
		for name, most := range map[string]float64{"clip 0.5": 0.5, "clip 100": 100} {
			out, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
				var grads []mlx.Array
				for _, shape := range [][]int{{6, 4}, {5}} {
					grads = append(grads, mlx.Const(s, wave(shape, math.Sin), shape...))
				}
				clipped, norm := ClipNorm(s, grads, most)
				return append(clipped, norm)
			})
			require.NoError(t, err)
			r.RequireClose(name+"/matrix", out[0])
			r.RequireClose(name+"/vector", out[1])
			r.RequireClose(name+"/norm", out[2])
			require.NoError(t, mlx.CloseAll(out...))
		}
	})
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			clipped, _ := ClipNorm(s, nil, math.NaN())
			return clipped
		})
		require.ErrorContains(t, err, "optim: gradients clipped to a norm of NaN")
	})
}

// The norm of 100,000 gradients of bfloat16 that are 1 is 316.2, and what is left of
// each is 1/316.2; in float16 a norm of 0.1 comes of squares that it does not hold.
func TestClipNormOfHalves(t *testing.T) {
	for name, c := range map[string]struct {
		dtype      mlx.Dtype
		n          int
		each, norm float64
	}{
		"many":  {mlx.BFloat16, 100_000, 1, math.Sqrt(100_000)},
		"small": {mlx.Float16, 1 << 20, 1.0 / 8192, 1024.0 / 8192},
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				grads := []mlx.Array{s.Full([]int{c.n}, s.Scalar(c.each, c.dtype), c.dtype)}
				clipped, norm := ClipNorm(s, grads, c.norm/4)
				return []mlx.Array{norm, s.AsType(s.Max(clipped[0], false), mlx.Float32), clipped[0]}
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, mlx.CloseAll(out...)) }()
			for i, want := range []float64{c.norm, c.each / 4} {
				have, err := mlx.Item[float32](th, out[i])
				require.NoError(t, err)
				require.InEpsilon(t, want, have, 1e-3, name)
			}
			dtype, err := out[2].Dtype()
			require.NoError(t, err)
			require.Equal(t, c.dtype, dtype)
		})
	}
}

// Muon for matrices and AdamW for the rest are each what they are alone.
func TestMatrices(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		run := func(o Optimizer) (matrix, vector []float32, names []string) {
			params := made(t, th, owner, mlx.Float32)
			st, err := NewState(th, o, params, owner)
			require.NoError(t, err)
			for n := range 3 {
				step(t, th, st, params, n, 0.05)
			}
			for name := range st.Arrays() {
				names = append(names, name)
			}
			matrix, err = mlx.Values[float32](th, params[0].Array())
			require.NoError(t, err)
			vector, err = mlx.Values[float32](th, params[1].Array())
			require.NoError(t, err)
			return matrix, vector, names
		}
		matrix, vector, names := run(Matrices{Matrix: NewMuon(), Other: NewAdamW()})
		muon, _, _ := run(NewMuon())
		_, adam, _ := run(NewAdamW())
		require.Equal(t, muon, matrix)
		require.Equal(t, adam, vector)
		require.ElementsMatch(t, []string{"step", "matrix.v", "vector.m", "vector.v", "wide.v", "cube.v"}, names)
	})
}

// Embeddings and outputs are no matrices to be made orthogonal, whatever their shape.
func TestMatricesByName(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		params := made(t, th, owner, mlx.Float32)
		params[0].Name, params[2].Name = "model.embed_tokens.weight", "lm_head.weight"
		st, err := NewState(th, Matrices{Matrix: NewMuon(), Other: NewAdamW()}, params, owner)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{
			"step", "model.embed_tokens.weight.m", "model.embed_tokens.weight.v", "lm_head.weight.m", "lm_head.weight.v",
			"vector.m", "vector.v", "cube.v",
		}, slices.Collect(maps.Keys(st.Arrays())))
		alone := made(t, th, owner, mlx.Float32)
		adam, err := NewState(th, NewAdamW(), alone, owner)
		require.NoError(t, err)
		for n := range 3 {
			step(t, th, st, params, n, 0.05)
			step(t, th, adam, alone, n, 0.05)
		}
		for i, same := range []bool{true, true, true, false} {
			require.Equal(t, same, bits(t, th, params[i].Array()) == bits(t, th, alone[i].Array()), params[i].Name)
		}
	})
}
