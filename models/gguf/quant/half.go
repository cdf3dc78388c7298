package quant

import (
	"math"
	"math/bits"
)

// fromHalf converts a float16 to float32, exactly.
func fromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	if h&0x7c00 == 0x7c00 { // infinities and NaNs keep their payload
		return math.Float32frombits(sign | 0x7f800000 | uint32(h&0x3ff)<<13)
	}
	// Exponent and mantissa moved into place read as the value times 2^-112, subnormals included.
	magnitude := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	return math.Float32frombits(sign | math.Float32bits(magnitude))
}

// toHalf converts a float32 to the nearest float16, the even one of two.
func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // rounds to more than 65504
		return sign | 0x7c00
	case b < 0x38800000: // subnormal: adding 0.5 rounds at the last place of one
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	return sign | uint16((b-0x38000000+0xfff+b>>13&1)>>13)
}

// isFinite reports whether a float16 is a number.
func isFinite(h uint16) bool { return h&0x7c00 != 0x7c00 }

// shiftHalf returns -h * 2^shift for a finite h, and whether float16 can hold it. It is exact where it can.
func shiftHalf(h uint16, shift int) (uint16, bool) {
	sign := h&0x8000 ^ 0x8000
	exp, mant := int(h>>10&31), uint32(h&0x3ff)
	if exp > 0 {
		exp += shift
		return sign | uint16(exp&31)<<10 | uint16(mant), exp < 31
	}
	mant <<= shift
	n := bits.Len32(mant)
	if n <= 10 { // still subnormal
		return sign | uint16(mant), true
	}
	return sign | uint16(n-10)<<10 | uint16(mant>>(n-11)&0x3ff), true
}
