package runtime_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// half is what F16 and BF16 have in common.
type half interface {
	mlx.F16 | mlx.BF16
	Float32() float32
	Float64() float64
	String() string
}

// TestRoundingIsToTheNearestHalf follows the definition, for all values of either
// type: what lies between two neighbours goes to the nearer, the middle to the
// even one. 2^16 patterns of either sign, in float64 and, where it holds the
// numbers, in float32.
func TestRoundingIsToTheNearestHalf(t *testing.T) {
	t.Run("F16", func(t *testing.T) { testNearest(t, 0x7c00, 65536, mlx.ToF16, mlx.F16FromFloat64) })
	t.Run("BF16", func(t *testing.T) { testNearest(t, 0x7f80, 0x1p128, mlx.ToBF16, mlx.BF16FromFloat64) })
}

// testNearest walks over all patterns up to infinity, which stands where the next
// value would be.
func testNearest[H half](t *testing.T, infinity H, next float64, narrow func(float32) H, narrow64 func(float64) H) {
	for low := H(0); low < infinity; low++ {
		high := low + 1
		x, y := low.Float64(), high.Float64()
		if high == infinity {
			y = next
		}
		middle := x + (y-x)/2
		tie := low + low&1
		for v, want := range map[float64]H{x: low, middle: tie, math.Nextafter(middle, 0): low, math.Nextafter(middle, math.Inf(1)): high} {
			if narrow64(v) != want || narrow64(-v) != want|0x8000 {
				t.Fatalf("%v becomes %#04x, want %#04x", v, narrow64(v), want)
			}
			if f := float32(v); float64(f) == v && (narrow(f) != want || narrow(-f) != want|0x8000) {
				t.Fatalf("float32 %v becomes %#04x, want %#04x", v, narrow(f), want)
			}
		}
	}
	require.Equal(t, infinity, narrow64(math.MaxFloat64))
	require.Equal(t, infinity, narrow64(math.Inf(1)))
	require.Equal(t, infinity|0x8000, narrow64(math.Inf(-1)))
	require.Equal(t, H(0), narrow64(math.SmallestNonzeroFloat64))
	require.Equal(t, H(0x8000), narrow64(math.Copysign(0, -1)))
	require.True(t, math.IsNaN(narrow64(math.NaN()).Float64()))
	require.Equal(t, "NaN", narrow64(math.NaN()).String())
}

// TestHalvesBothWays: no pattern is lost on the way through either float.
func TestHalvesBothWays(t *testing.T) {
	for i := range 1 << 16 {
		h, b := mlx.F16(i), mlx.BF16(i)
		if f := h.Float32(); f == f && (mlx.ToF16(f) != h || mlx.F16FromFloat64(h.Float64()) != h) {
			t.Fatalf("F16 %#04x becomes %#04x by way of %v", i, mlx.ToF16(f), f)
		}
		if f := b.Float32(); f == f && (mlx.ToBF16(f) != b || mlx.BF16FromFloat64(b.Float64()) != b) {
			t.Fatalf("BF16 %#04x becomes %#04x by way of %v", i, mlx.ToBF16(f), f)
		}
	}
}

// TestF16AsNumPy compares with the hashes of testdata/half.py.
func TestF16AsNumPy(t *testing.T) {
	raw, err := os.ReadFile("testdata/half.json")
	require.NoError(t, err)
	var want map[string]string
	require.NoError(t, json.Unmarshal(raw, &want))

	var f32, f64, rounded []byte
	var finite []float64
	for i := range 1 << 16 {
		h := mlx.F16(i)
		f := h.Float64()
		if math.IsNaN(f) {
			continue
		}
		f32 = binary.LittleEndian.AppendUint32(f32, math.Float32bits(h.Float32()))
		f64 = binary.LittleEndian.AppendUint64(f64, math.Float64bits(f))
		if !math.IsInf(f, 0) {
			finite = append(finite, f)
		}
	}
	for i, v := range finite {
		middle := (v + finite[(i+1)%len(finite)]) / 2
		for _, x := range []float64{v, middle, math.Nextafter(middle, math.Inf(-1)), math.Nextafter(middle, math.Inf(1))} {
			rounded = binary.LittleEndian.AppendUint16(rounded, uint16(mlx.F16FromFloat64(x)))
		}
	}
	require.Equal(t, want["to_float32"], hash(f32))
	require.Equal(t, want["to_float64"], hash(f64))
	require.Equal(t, want["from_float64"], hash(rounded))
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
