package safetensors

import (
	"fmt"
	"math"
	"math/bits"
)

// DType is the name of an element type, as the header spells it.
type DType string

// The dtypes of the format.
const (
	Bool       DType = "BOOL"
	F4         DType = "F4"
	F6E2M3     DType = "F6_E2M3"
	F6E3M2     DType = "F6_E3M2"
	U8         DType = "U8"
	I8         DType = "I8"
	F8E5M2     DType = "F8_E5M2"
	F8E4M3     DType = "F8_E4M3"
	F8E8M0     DType = "F8_E8M0"
	F8E4M3FNUZ DType = "F8_E4M3FNUZ"
	F8E5M2FNUZ DType = "F8_E5M2FNUZ"
	I16        DType = "I16"
	U16        DType = "U16"
	F16        DType = "F16"
	BF16       DType = "BF16"
	I32        DType = "I32"
	U32        DType = "U32"
	F32        DType = "F32"
	C64        DType = "C64"
	F64        DType = "F64"
	I64        DType = "I64"
	U64        DType = "U64"
)

// Bits returns the bits that an element takes, 0 for a dtype that the format does not have.
func (d DType) Bits() int {
	switch d {
	case F4:
		return 4
	case F6E2M3, F6E3M2:
		return 6
	case Bool, U8, I8, F8E5M2, F8E4M3, F8E8M0, F8E4M3FNUZ, F8E5M2FNUZ:
		return 8
	case I16, U16, F16, BF16:
		return 16
	case I32, U32, F32:
		return 32
	case C64, F64, I64, U64:
		return 64
	}
	return 0
}

// size returns the bytes of a tensor.
func (d DType) size(shape []int) (uint64, error) {
	width := d.Bits()
	if width == 0 {
		return 0, fmt.Errorf("unknown dtype %q", string(d))
	}
	total := uint64(1)
	for _, n := range shape {
		hi, lo := bits.Mul64(total, uint64(n))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v has more elements than memory has addresses", shape)
		}
		total = lo
	}
	hi, lo := bits.Mul64(total, uint64(width))
	switch {
	case hi != 0:
		return 0, fmt.Errorf("shape %v of %s takes more than 2^64 bits", shape, d)
	case lo%8 != 0:
		return 0, fmt.Errorf("shape %v of %s does not fill whole bytes", shape, d)
	}
	return lo / 8, nil
}
