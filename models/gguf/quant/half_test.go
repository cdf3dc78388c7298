package quant

import (
	"math"
	"testing"
)

// All 65,536 float16 values against the definition of the format.
func TestFromHalf(t *testing.T) {
	for h := range 1 << 16 {
		exp, mant := h>>10&31, float64(h&0x3ff)
		want := math.Ldexp(mant+1024, exp-25)
		switch {
		case exp == 0:
			want = math.Ldexp(mant, -24)
		case exp == 31 && mant == 0:
			want = math.Inf(1)
		case exp == 31:
			if got := float64(fromHalf(uint16(h))); got == got {
				t.Fatalf("%#x: %g, want NaN", h, got)
			}
			continue
		}
		if h>>15 == 1 {
			want = -want
		}
		if got := fromHalf(uint16(h)); math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Fatalf("%#x: %g, want %g", h, got, want)
		}
	}
}

// Every finite value times -8, -16 and -128 is exact or reported.
func TestShiftHalf(t *testing.T) {
	for h := range 1 << 16 {
		if !isFinite(uint16(h)) {
			continue
		}
		for _, shift := range []int{3, 4, 7} {
			want := -fromHalf(uint16(h)) * float32(int(1)<<shift)
			got, ok := shiftHalf(uint16(h), shift)
			if fits := math.Abs(float64(want)) < 65536; fits != ok {
				t.Fatalf("%#x << %d: fits %t, want %t", h, shift, ok, fits)
			}
			if ok && math.Float32bits(want) != math.Float32bits(fromHalf(got)) {
				t.Fatalf("%#x << %d: %g, want %g", h, shift, fromHalf(got), want)
			}
		}
	}
}
