package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The first half of the rows is one layer, the second half another: dense or
// packed, of one matrix or one for each expert.
func TestHalve(t *testing.T) {
	q := nn.Quantisation{GroupSize: 32, Bits: 8, Mode: "affine"}
	leaktest.Do(t, func(th *mlx.Thread) {
		for _, shape := range [][]int{{6, 32}, {2, 6, 32}} {
			made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				w := s.RandomNormal(shape, mlx.Float32, 0, 1, s.RandomKey(1))
				return append(s.Quantize(w, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode, mlx.Array{}), w)
			})
			require.NoError(t, err)
			whole := nn.Arrays{Quantisation: q, Named: map[string]mlx.Array{
				"packed.gate_up_proj.weight": made[0], "packed.gate_up_proj.scales": made[1], "packed.gate_up_proj.biases": made[2],
				"dense.gate_up_proj.weight": made[3], "dense.down_proj.weight": made[3],
			}}
			halves := nn.Halve(whole, "gate_up_proj", "gate_proj", "up_proj")
			require.ElementsMatch(t, []string{"packed.gate_proj.weight", "packed.up_proj.weight", "dense.gate_proj.weight", "dense.up_proj.weight",
				"dense.down_proj.weight"}, halves.Names())
			for _, layer := range []string{"packed.", "dense."} {
				requireHalves(t, th, whole.Tensor(layer+"gate_up_proj.weight"), halves.Tensor(layer+"gate_proj.weight"), halves.Tensor(layer+"up_proj.weight"))
			}
			require.NoError(t, mlx.CloseAll(made...))
		}
	})
}

// requireHalves compares the rows of [..., 6, 32] with those of its halves, also
// as they are packed.
func requireHalves(t *testing.T, th *mlx.Thread, whole nn.Tensor, halves ...nn.Tensor) {
	t.Helper()
	for i, half := range halves {
		shape := whole.Shape()
		shape[len(shape)-2] = 3
		require.Equal(t, shape, half.Shape())
		want := readRows(t, th, whole, 3*i)
		require.Equal(t, want, readRows(t, th, half, 0))
		if packed, ok := half.(nn.Quantised); ok {
			p, err := packed.Packed(th, mlx.Float32)
			require.NoError(t, err)
			parts := nn.Arrays{Quantisation: p.Quantisation, Named: map[string]mlx.Array{"x.weight": p.Weight, "x.scales": p.Scales, "x.biases": p.Biases}}
			require.Equal(t, want, readRows(t, th, parts.Tensor("x.weight"), 0))
			require.NoError(t, mlx.CloseAll(p.Weight, p.Scales, p.Biases))
		}
	}
}

// readRows reads 3 rows of a tensor [..., out, in].
func readRows(t *testing.T, th *mlx.Thread, tensor nn.Tensor, from int) []float32 {
	t.Helper()
	dense, err := tensor.Dense(th, mlx.Float32)
	require.NoError(t, err)
	picked, err := th.Build(func(s *mlx.Scope) mlx.Array {
		return s.TakeAxis(s.Own(dense, nil), s.Arange(float64(from), float64(from+3), 1, mlx.Int32), -2)
	})
	require.NoError(t, err)
	defer picked.Close()
	values, err := mlx.Values[float32](th, picked)
	require.NoError(t, err)
	return values
}
