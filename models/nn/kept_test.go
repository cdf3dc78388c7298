package nn_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// storedAs is weights in memory that say what they are stored as.
type storedAs struct {
	nn.Arrays
	dtype mlx.Dtype
}

func (w storedAs) Tensor(name string) nn.Tensor {
	switch t := w.Arrays.Tensor(name).(type) {
	case nil:
		return nil
	case nn.Quantised:
		return exactPacked{t, w.dtype}
	default:
		return exactTensor{t, w.dtype}
	}
}

type exactTensor struct {
	nn.Tensor
	dtype mlx.Dtype
}

func (t exactTensor) ExactDtype() mlx.Dtype { return t.dtype }

type exactPacked struct {
	nn.Quantised
	dtype mlx.Dtype
}

func (t exactPacked) ExactDtype() mlx.Dtype { return t.dtype }

// keptLayers is one layer of each kind whose product our own kernels know.
type keptLayers struct {
	Linear nn.Linear       `weight:"linear"`
	Pair   nn.Fused        `weight:"a,b"`
	Embed  nn.Embedding    `weight:"embed"`
	Expert nn.SwitchLinear `weight:"expert"`
}

// forward is what the layers make of x [3, 64].
func (b *keptLayers) forward(s *mlx.Scope, x mlx.Array) []mlx.Array {
	one, two := nn.Two(b.Pair.Forward(s, x))
	routes := nn.Route(s, s.Reshape(mlx.Const(s, []uint32{1, 0, 0, 0, 1, 1}), 3, 2))
	return []mlx.Array{b.Linear.Forward(s, x), one, two, b.Embed.Forward(s, mlx.Const(s, []int32{4, 0})),
		b.Embed.AsLinear(s, x), routes.Collect(s, b.Expert.Forward(s, routes.Send(s, x), routes))}
}

// requireSame loads the weights under both policies and compares what the layers
// make of x, and what they keep.
func requireSame(t *testing.T, th *mlx.Thread, weights nn.Weights, bytes map[bool]int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	values := make([]float32, 3*64)
	for i := range values {
		values[i] = r.Float32() - 0.5
	}
	x, err := mlx.FromSlice(th, values, 3, 64)
	require.NoError(t, err)
	var outs [2][][]float32
	for i, kernels := range []bool{false, true} {
		owner := th.NewOwner("block")
		m := &keptLayers{Linear: nn.Linear{NoBias: true}, Pair: nn.Fused{NoBias: true}, Expert: nn.SwitchLinear{Experts: 2, NoBias: true}}
		before, err := th.ActiveMemory()
		require.NoError(t, err)
		require.NoError(t, nn.Load(t.Context(), th, m, weights, nn.Policy{Dtype: mlx.Float32, Kernels: kernels}, owner))
		after, err := th.ActiveMemory()
		require.NoError(t, err)
		require.InDelta(t, bytes[kernels], int(after-before), 4096, "kernels %v", kernels)
		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return m.forward(s, x) })
		require.NoError(t, err)
		for _, a := range all {
			dtype, err := a.Dtype()
			require.NoError(t, err)
			require.Equal(t, mlx.Float32, dtype, "activations stay what they are")
			v, err := mlx.Values[float32](th, a)
			require.NoError(t, err)
			outs[i] = append(outs[i], v)
			require.NoError(t, a.Close())
		}
		require.NoError(t, owner.Close())
	}
	for i := range outs[0] {
		require.InDeltaSlice(t, outs[0][i], outs[1][i], 1e-4, "output %d", i)
	}
	require.NoError(t, x.Close())
}

// random makes a matrix that the dtype holds.
func random(t *testing.T, th *mlx.Thread, r *rand.Rand, dtype mlx.Dtype, shape ...int) mlx.Array {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = r.Float32() - 0.5
	}
	a, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.AsType(s.Reshape(mlx.Const(s, values), shape...), dtype) })
	require.NoError(t, err)
	require.NoError(t, th.Eval(a))
	return a
}

// Weights of 16 bits stay so beside activations of float32, with the same results
// in less memory.
func TestKernelsKeepDenseWeights(t *testing.T) {
	for _, dtype := range []mlx.Dtype{mlx.Float16, mlx.BFloat16} {
		t.Run(dtype.String(), func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				requireKernels(t, th)
				r := rand.New(rand.NewPCG(2, 2))
				named := map[string]mlx.Array{}
				for name, shape := range map[string][]int{"linear": {512, 64}, "a": {256, 64}, "b": {128, 64}, "embed": {768, 64}, "expert": {2, 256, 64}} {
					named[name+".weight"] = random(t, th, r, dtype, shape...)
				}
				// What is not joined stays the caller's array.
				const values, joined = (512 + 256 + 128 + 768 + 512) * 64, (256 + 128) * 64
				requireSame(t, th, storedAs{nn.Arrays{Named: named}, dtype}, map[bool]int{false: 4 * values, true: 2 * joined})
				closeMap(t, named)
			})
		})
	}
}

// So do the scales of packed ones.
func TestKernelsKeepScales(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		requireKernels(t, th)
		r := rand.New(rand.NewPCG(3, 3))
		named := map[string]mlx.Array{}
		rows := 0
		for name, shape := range map[string][]int{"linear": {512, 64}, "a": {256, 64}, "b": {128, 64}, "embed": {768, 64}, "expert": {2, 256, 64}} {
			w := random(t, th, r, mlx.Float32, shape...)
			q, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				q := s.Quantize(w, mlx.SomeInt(32), mlx.SomeInt(4), "affine", mlx.Array{})
				return []mlx.Array{q[0], s.AsType(q[1], mlx.Float16), s.AsType(q[2], mlx.Float16)}
			})
			require.NoError(t, err)
			require.NoError(t, th.Eval(q...))
			named[name+".weight"], named[name+".scales"], named[name+".biases"] = q[0], q[1], q[2]
			require.NoError(t, w.Close())
			if rows += shape[0]; len(shape) == 3 {
				rows += shape[0] * (shape[1] - 1)
			}
		}
		weights := storedAs{nn.Arrays{Named: named, Quantisation: nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "affine"}}, mlx.Float16}
		// Words of one part alone are the file's own arrays; those of a and b are joined.
		joined := (256 + 128) * 64 / 2
		requireSame(t, th, weights, map[bool]int{false: joined + rows*2*2*4, true: joined + (256+128)*2*2*2})
		closeMap(t, named)
	})
}

func closeMap(t *testing.T, named map[string]mlx.Array) {
	t.Helper()
	for _, a := range named {
		require.NoError(t, a.Close())
	}
}

func requireKernels(t *testing.T, th *mlx.Thread) {
	t.Helper()
	if !th.CPUKernels() {
		t.Skip("our own kernels for a CPU are not loaded")
	}
}

// A weight in groups of 16 works in our own kernels only, and says so elsewhere.
func TestFineGroupsNeedKernels(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		requireKernels(t, th)
		r := rand.New(rand.NewPCG(4, 4))
		w, scales, biases := random(t, th, r, mlx.Float32, 8, 64), random(t, th, r, mlx.Float32, 8, 4), random(t, th, r, mlx.Float32, 8, 4)
		words, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			return s.Quantize(w, mlx.SomeInt(32), mlx.SomeInt(6), "affine", mlx.Array{})[:1]
		})
		require.NoError(t, err)
		named := map[string]mlx.Array{"l.weight": words[0], "l.scales": scales, "l.biases": biases}
		owner := th.NewOwner("linear")
		m := &struct {
			L nn.Linear `weight:"l"`
		}{L: nn.Linear{NoBias: true}}
		weights := nn.Arrays{Named: named, Quantisation: nn.Quantisation{GroupSize: 16, Bits: 6, Mode: "affine"}}
		require.NoError(t, nn.Load(t.Context(), th, m, weights, nn.Policy{Dtype: mlx.Float32, Kernels: true}, owner))
		y, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.L.Forward(s, s.Ones([]int{2, 64}, mlx.Float32)) })
		require.NoError(t, err)
		require.NoError(t, th.Eval(y))
		x := random(t, th, r, mlx.Float32, 2, 64)
		err = mlx.WriteFunction(th, discard{}, func(s *mlx.Scope, a []mlx.Array) []mlx.Array { return []mlx.Array{m.L.Forward(s, a[0])} }, []mlx.Array{x})
		require.ErrorContains(t, err, "nn: weights in groups of 16 need our own kernels for a CPU")
		require.NoError(t, owner.Close())
		require.NoError(t, mlx.CloseAll(x, y, w))
		closeMap(t, named)
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
