package runtime_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MLX's own conversions are the reference.

func TestHalvesToFloat32AsMLX(t *testing.T) {
	t.Run("F16", func(t *testing.T) { testAllHalves[mlx.F16](t) })
	t.Run("BF16", func(t *testing.T) { testAllHalves[mlx.BF16](t) })
}

func testAllHalves[T interface {
	mlx.F16 | mlx.BF16
	Float32() float32
}](t *testing.T) {
	all := make([]T, 1<<16)
	for i := range all {
		all[i] = T(i)
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, all)
		want := read[float32](t, th, build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(x, mlx.Float32) }))
		got := read[float32](t, th, x)
		for i := range all {
			same := math.Float32bits(want[i]) == math.Float32bits(got[i]) || want[i] != want[i] && got[i] != got[i]
			require.True(t, same, "%#04x: %v, want %v", i, got[i], want[i])
			require.Equal(t, math.Float32bits(got[i]), math.Float32bits(all[i].Float32()))
		}
	})
}

func TestFloat32ToHalvesAsMLX(t *testing.T) {
	values := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 65504, 65519.996, 65520, 1e6, -1e6, math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 5.9604645e-08, 2.9802322e-08, 2.9802326e-08,
		8.940697e-08, 6.097555e-05, 6.1035156e-05, 6.1e-05, 1e-45, -1e-45, 3.3895314e38, 3.4e38}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		values = append(values, math.Float32frombits(random.Uint32()))
		values = append(values, float32(random.NormFloat64()*math.Exp2(float64(random.IntN(44)-26))))
	}
	for h := range uint32(1 << 16) { // ties between neighbours, and beside them
		half := math.Float32frombits(h << 16)
		tie := math.Float32bits(mlx.F16(h).Float32()) + 0x1000
		values = append(values, half, math.Float32frombits(h<<16|0x8000), math.Float32frombits(tie), math.Float32frombits(tie+1), math.Float32frombits(tie-1))
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, values)
		f16 := read[mlx.F16](t, th, build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(x, mlx.Float16) }))
		bf16 := read[mlx.BF16](t, th, build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(x, mlx.BFloat16) }))
		require.NoError(t, x.Close())
		for i, v := range values {
			if v != v {
				f, b := mlx.ToF16(v).Float32(), mlx.ToBF16(v).Float32()
				require.True(t, f != f && b != b, "%#x stays a NaN", math.Float32bits(v))
				continue
			}
			require.Equal(t, f16[i], mlx.ToF16(v), "%v (%#x) as F16", v, math.Float32bits(v))
			require.Equal(t, bf16[i], mlx.ToBF16(v), "%v (%#x) as BF16", v, math.Float32bits(v))
		}
	})
}

func TestHalvesAsText(t *testing.T) {
	require.Equal(t, "1.5", mlx.ToF16(1.5).String())
	require.Equal(t, "-Inf", mlx.ToF16(-70000).String())
	require.Equal(t, "3.140625", mlx.ToBF16(math.Pi).String())
}
