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
