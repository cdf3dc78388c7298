package models

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const layoutLayer = "model.layers.0.self_attn.q_proj"

// oneWeight is a checkpoint of which a single layer is of interest.
type oneWeight struct{ nn.Weights }

func (w oneWeight) Names() []string { return []string{layoutLayer + ".weight"} }

type oneLayer struct {
	L nn.Linear `weight:"model.layers.0.self_attn.q_proj"`
}

// forwardOne loads the layer and applies it to x [3, 256].
func forwardOne(t *testing.T, th *mlx.Thread, w nn.Weights, p nn.Policy, owner *mlx.Owner, opts ...nn.LoadOption) (*oneLayer, mlx.Array, []float32) {
	t.Helper()
	m := &oneLayer{L: nn.Linear{NoBias: true}}
	require.NoError(t, nn.Load(t.Context(), th, m, oneWeight{w}, p, owner, opts...))
	x, err := mlx.FromSlice(th, reftest.NumbersOf("x", []int{3, 256}), 3, 256)
	require.NoError(t, err)
	return m, x, applied(t, th, m, x)
}

func applied(t *testing.T, th *mlx.Thread, m *oneLayer, x mlx.Array) []float32 {
	t.Helper()
	y, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.L.Forward(s, x) })
	require.NoError(t, err)
	defer y.Close()
	values, err := mlx.Values[float32](th, y)
	require.NoError(t, err)
	return values
}

// weightOf opens a file whose matrices are of random blocks of a type.
func weightOf(t *testing.T, typ gguf.Type) nn.Weights {
	t.Helper()
	ck, err := openGGUF(llamaOfBlocks(t, typ).write(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ck.Close()) })
	ck.weights.(*ggufWeights).fine = true
	return ck.weights
}

// Weights that are as compact as in their file compute what they do unpacked; without
// our kernels, as in a function that is written to a file, they still do so, where MLX
// knows their groups. They cannot be saved, and for training they are in MLX's form.
func TestCompactWeights(t *testing.T) {
	for _, c := range []struct {
		typ  gguf.Type
		fine bool
	}{
		{gguf.TypeQ2K, true}, {gguf.TypeQ3K, true}, {gguf.TypeQ4K, false}, {gguf.TypeQ5K, false}, {gguf.TypeQ6K, true},
		{gguf.TypeIQ4XS, false}, {gguf.TypeQ4_0, false}, {gguf.TypeQ8_0, false},
	} {
		t.Run(c.typ.String(), func(t *testing.T) {
			w := weightOf(t, c.typ)
			require.NotEqual(t, nn.Layout{}, w.Tensor(layoutLayer+".weight").(nn.Placer).Layout())
			leaktest.Do(t, func(th *mlx.Thread) {
				if !th.CPUKernels() {
					t.Skip("our own kernels for a CPU are not loaded")
				}
				owner := th.NewOwner("layouts")
				_, x, want := forwardOne(t, th, w, nn.Policy{Dtype: mlx.Float32, Unpack: true}, owner)
				m, y, got := forwardOne(t, th, w, nn.Policy{Dtype: mlx.Float32, Kernels: true}, owner)
				require.InDeltaSlice(t, want, got, 1e-4)
				path := filepath.Join(t.TempDir(), "layer.safetensors")
				require.ErrorContains(t, nn.Save(th, path, m), layoutLayer+".weight has no value to train or save")
				if !c.fine {
					require.InDeltaSlice(t, want, exported(t, th, m, x), 1e-4)
					trained, z, again := forwardOne(t, th, w, nn.Policy{Dtype: mlx.Float32, Kernels: true, Trainable: true}, owner)
					require.InDeltaSlice(t, want, again, 1e-4)
					require.NoError(t, nn.Save(th, path, trained))
					require.Len(t, nn.Parameters(trained), 3)
					require.NoError(t, z.Close())
				}
				require.NoError(t, mlx.CloseAll(x, y))
				require.NoError(t, owner.Close())
			})
		})
	}
}

// exported is what the layer computes by MLX's own operations, out of a file.
func exported(t *testing.T, th *mlx.Thread, m *oneLayer, x mlx.Array) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer.mlxfn")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, mlx.WriteFunction(th, f, func(s *mlx.Scope, a []mlx.Array) []mlx.Array { return []mlx.Array{m.L.Forward(s, a[0])} }, []mlx.Array{x}))
	require.NoError(t, f.Close())
	fn, err := mlx.ImportFunction(th, path)
	require.NoError(t, err)
	defer fn.Close()
	y, err := th.Build(func(s *mlx.Scope) mlx.Array { return fn.Apply(s, []mlx.Array{x})[0] })
	require.NoError(t, err)
	defer y.Close()
	values, err := mlx.Values[float32](th, y)
	require.NoError(t, err)
	return values
}

// A low-rank product is merged into such weights, which are in MLX's form then.
func TestMergeIntoCompactWeights(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.TypeQ5K, gguf.TypeQ8_0} {
		w := weightOf(t, typ)
		leaktest.Do(t, func(th *mlx.Thread) {
			if !th.CPUKernels() {
				t.Skip("our own kernels for a CPU are not loaded")
			}
			low := map[string]mlx.Array{}
			for part, shape := range map[string][]int{"lora_a": {256, 4}, "lora_b": {4, 256}} {
				a, err := mlx.FromSlice(th, reftest.NumbersOf(part, shape), shape...)
				require.NoError(t, err)
				low[layoutLayer+"."+part] = a
			}
			owner := th.NewOwner("layouts")
			adapter := nn.Adapter{Weights: nn.Arrays{Named: low}, Scale: func(string) float64 { return 0.01 }}
			m, x, want := forwardOne(t, th, w, nn.Policy{Dtype: mlx.Float32, Kernels: true}, owner, nn.WithAdapter(adapter))
			require.NoError(t, nn.MergeLoRA(th, m, owner))
			require.InDeltaSlice(t, want, applied(t, th, m, x), 0.5)
			require.NoError(t, nn.Save(th, filepath.Join(t.TempDir(), "merged.safetensors"), m))
			require.NoError(t, x.Close())
			for _, a := range low {
				require.NoError(t, a.Close())
			}
			require.NoError(t, owner.Close())
		})
	}
}
