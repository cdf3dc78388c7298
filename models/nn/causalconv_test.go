package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// In any pieces the convolution is MLX's own of the whole sequence with zeros in
// front, trained or not.
func TestCausalConv1d(t *testing.T) {
	const batch, length, dims = 2, 9, 5
	for _, kernel := range []int{2, 3, 4} {
		for _, trainable := range []bool{false, true} {
			leaktest.Do(t, func(th *mlx.Thread) {
				owner := th.NewOwner("test")
				defer owner.Close()
				draw := func(seed uint64, shape ...int) mlx.Array {
					a, err := th.Build(func(s *mlx.Scope) mlx.Array {
						return s.RandomNormal(shape, mlx.Float32, 0, 1, s.RandomKey(seed))
					})
					require.NoError(t, err)
					return owner.Keep(a)
				}
				x, w, bias := draw(1, batch, length, dims), draw(2, dims, kernel, 1), draw(3, dims)
				var layer struct {
					Conv nn.CausalConv1d `weight:"conv"`
				}
				layer.Conv = nn.CausalConv1d{Dims: dims, Kernel: kernel}
				named := nn.Arrays{Named: map[string]mlx.Array{"conv.weight": w, "conv.bias": bias}}
				require.NoError(t, nn.Load(t.Context(), th, &layer, named, nn.Policy{Dtype: mlx.Float32, Trainable: trainable}, owner))
				made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					padded := s.ConcatenateAxis([]mlx.Array{s.Zeros([]int{batch, kernel - 1, dims}, mlx.Float32), x}, 1)
					want := s.Add(s.Conv1D(padded, w, 1, 0, 1, dims), bias)
					var parts []mlx.Array
					var before mlx.Array
					for _, piece := range s.SplitSections(x, []int{1, 2, 7}, 1) {
						var y mlx.Array
						y, before = layer.Conv.Forward(s, piece, before)
						parts = append(parts, y)
					}
					tail := s.Slice(x, []int{0, length - kernel + 1, 0}, []int{batch, length, dims}, []int{1, 1, 1})
					return []mlx.Array{s.Allclose(s.ConcatenateAxis(parts, 1), want, 1e-5, 1e-6, false), s.ArrayEqual(before, tail, false)}
				})
				require.NoError(t, err)
				defer func() { require.NoError(t, mlx.CloseAll(made...)) }()
				for _, a := range made {
					same, err := mlx.Item[bool](th, a)
					require.NoError(t, err)
					require.True(t, same, "kernel %d", kernel)
				}
			})
		}
	}
}

func TestCausalConv1dRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			y, _ := (&nn.CausalConv1d{Dims: 4, Kernel: 3}).Forward(s, s.Zeros([]int{2, 4}, mlx.Float32), mlx.Array{})
			return y
		})
		require.ErrorContains(t, err, "nn: CausalConv1d: no input of 2 dimensions, [2 4]")
	})
}
