package models

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A tensor that is read to where it belongs is the one that is read by itself: in
// every type of real files, with permuted rows, with scales of 16 bits and of 32.
func TestPlacedAsPacked(t *testing.T) {
	if testing.Short() {
		t.Skip("reads real models")
	}
	for _, file := range []string{testmodels.RequireSmolLM2(t), testmodels.RequireGemma3(t)} {
		ck, err := openGGUF(file)
		require.NoError(t, err)
		defer ck.Close()
		ck.weights.(*ggufWeights).fine = true
		kinds := map[string]bool{}
		for _, name := range ck.weights.Names() {
			p, ok := ck.weights.Tensor(name).(ggufAffine)
			if !ok || strings.Contains(name, "embed") || kinds[p.info.Type.String()] && !strings.Contains(name, "layers.3.self_attn") {
				continue
			}
			kinds[p.info.Type.String()] = true
			for _, dtype := range []mlx.Dtype{mlx.Float32, mlx.Float16} {
				if dtype == mlx.Float32 || p.form.Half {
					requirePlacedAsPacked(t, p, dtype)
				}
			}
		}
		require.NotEmpty(t, kinds)
	}
}

func requirePlacedAsPacked(t *testing.T, p ggufAffine, dtype mlx.Dtype) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		packed, err := p.Packed(th, dtype)
		require.NoError(t, err)
		defer mlx.CloseAll(packed.Weight, packed.Scales, packed.Biases)
		words, err := mlx.Values[uint32](th, packed.Weight)
		require.NoError(t, err)
		room := nn.Room{Words: make([]uint32, len(words))}
		if dtype == mlx.Float32 {
			room.Scales, room.Biases = placedNumbers(t, th, packed.Scales), placedNumbers(t, th, packed.Biases)
			scales, biases := append([]float32(nil), room.Scales...), append([]float32(nil), room.Biases...)
			clear(room.Scales)
			clear(room.Biases)
			requirePlaced(t, p, room)
			require.Equal(t, scales, room.Scales, p.info.Name)
			require.Equal(t, biases, room.Biases, p.info.Name)
		} else {
			scales, biases := placedBits(t, th, packed.Scales), placedBits(t, th, packed.Biases)
			room.HalfScales, room.HalfBiases = make([]uint16, len(scales)), make([]uint16, len(biases))
			requirePlaced(t, p, room)
			require.Equal(t, scales, room.HalfScales, p.info.Name)
			require.Equal(t, biases, room.HalfBiases, p.info.Name)
		}
		require.Equal(t, words, room.Words, p.info.Name)
	})
}

// requirePlaced reads the tensor in two parts, the end first.
func requirePlaced(t *testing.T, p ggufAffine, to nn.Room) {
	t.Helper()
	rows := p.Shape()[0]
	lo := rows/2 + 1
	words, groups := len(to.Words)/rows, (len(to.Scales)+len(to.HalfScales))/rows
	end := nn.Room{Words: to.Words[lo*words:]}
	if to.HalfScales != nil {
		end.HalfScales, end.HalfBiases = to.HalfScales[lo*groups:], to.HalfBiases[lo*groups:]
	} else {
		end.Scales, end.Biases = to.Scales[lo*groups:], to.Biases[lo*groups:]
	}
	require.NoError(t, p.Place(end, lo, rows))
	require.NoError(t, p.Place(to, 0, lo))
	require.NoError(t, p.Placed())
}

func placedNumbers(t *testing.T, th *mlx.Thread, a mlx.Array) []float32 {
	t.Helper()
	v, err := mlx.Values[float32](th, a)
	require.NoError(t, err)
	return v
}

// placedBits are the bits of float16 numbers.
func placedBits(t *testing.T, th *mlx.Thread, a mlx.Array) []uint16 {
	t.Helper()
	b, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.View(a, mlx.Uint16) })
	require.NoError(t, err)
	defer b.Close()
	v, err := mlx.Values[uint16](th, b)
	require.NoError(t, err)
	return v
}
