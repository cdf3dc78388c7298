package runtime

import (
	"math"
	"math/bits"
	"strconv"
)

// F16 is an IEEE 754 half: 1 sign, 5 exponent and 10 fraction bits. It is what
// arrays of dtype Float16 hold.
type F16 uint16

// BF16 is the upper half of a float32: 1 sign, 8 exponent and 7 fraction bits. It
// is what arrays of dtype BFloat16 hold.
type BF16 uint16

// F16FromFloat64 rounds f once, as ToF16 does a float32.
func F16FromFloat64(f float64) F16 { return ToF16(narrow(f)) }

// BF16FromFloat64 rounds f once, as ToBF16 does a float32.
func BF16FromFloat64(f float64) BF16 { return ToBF16(narrow(f)) }

// narrow gives a float32 that rounds to the same half as f does: f rounded to
// odd, whose last bit tells that something was cut off, so that the second
// rounding sees no tie where there was none (Boldo and Melquiond, 2008).
func narrow(f float64) float32 {
	n := float32(f)
	if float64(n) == f || f != f {
		return n
	}
	b := math.Float32bits(n)
	if math.Abs(float64(n)) > math.Abs(f) {
		b-- // towards zero
	}
	return math.Float32frombits(b | 1)
}

// ToF16 rounds f to the nearest F16, ties to even. What is too large becomes an
// infinity; a NaN stays a NaN.
func ToF16(f float32) F16 {
	b := math.Float32bits(f)
	sign := F16(b >> 16 & 0x8000)
	abs := b &^ (1 << 31)
	switch {
	case abs > 0x7f800000: // NaN: made quiet, its payload kept
		return sign | 0x7e00 | F16(abs>>13&0x3ff)
	case abs >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case abs < 0x33000001: // up to 2^-25 rounds to zero
		return sign
	case abs < 0x38800000: // subnormal: fraction in units of 2^-24
		shift := 126 - abs>>23
		return sign | F16(shiftRound(abs&0x7fffff|0x800000, shift))
	}
	return sign | F16(shiftRound(abs-(127-15)<<23, 13))
}

// shiftRound shifts right, to nearest, ties to even. A carry out of the fraction
// lands in the exponent, where it belongs.
func shiftRound(x, n uint32) uint32 {
	half := uint32(1)<<(n-1) - 1
	return (x + half + x>>n&1) >> n
}

// Float32 converts h exactly.
func (h F16) Float32() float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case exp == 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp == 0 && frac == 0:
		return math.Float32frombits(sign)
	case exp == 0: // subnormal: normalise
		lead := uint32(bits.LeadingZeros32(frac)) - 21
		exp = 1 - lead
		frac = frac << lead & 0x3ff
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// Float64 converts h exactly.
func (h F16) Float64() float64 { return float64(h.Float32()) }

// String writes h as strconv does the shortest float32.
func (h F16) String() string { return formatFloat(h.Float32()) }

// ToBF16 rounds f to the nearest BF16, ties to even. What is too large becomes an
// infinity; a NaN stays a NaN.
func ToBF16(f float32) BF16 {
	b := math.Float32bits(f)
	if f != f {
		return BF16(b>>16 | 0x40) // quiet, and never an infinity
	}
	return BF16(shiftRound(b, 16))
}

// Float32 converts h exactly.
func (h BF16) Float32() float32 { return math.Float32frombits(uint32(h) << 16) }

// Float64 converts h exactly.
func (h BF16) Float64() float64 { return float64(h.Float32()) }

// String writes h as strconv does the shortest float32.
func (h BF16) String() string { return formatFloat(h.Float32()) }

func formatFloat(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 32) }
