package gguf

import (
	"fmt"
	"math"
	"math/bits"
)

// Type is the storage type of a tensor, numbered as in ggml.h.
type Type uint32

// The types of ggml. Quantised ones store blocks of [Type.BlockSize] elements in [Type.BlockBytes] bytes.
const (
	TypeF32    Type = 0
	TypeF16    Type = 1
	TypeQ4_0   Type = 2
	TypeQ4_1   Type = 3
	TypeQ5_0   Type = 6
	TypeQ5_1   Type = 7
	TypeQ8_0   Type = 8
	TypeQ8_1   Type = 9
	TypeQ2K    Type = 10
	TypeQ3K    Type = 11
	TypeQ4K    Type = 12
	TypeQ5K    Type = 13
	TypeQ6K    Type = 14
	TypeQ8K    Type = 15
	TypeIQ2XXS Type = 16
	TypeIQ2XS  Type = 17
	TypeIQ3XXS Type = 18
	TypeIQ1S   Type = 19
	TypeIQ4NL  Type = 20
	TypeIQ3S   Type = 21
	TypeIQ2S   Type = 22
	TypeIQ4XS  Type = 23
	TypeI8     Type = 24
	TypeI16    Type = 25
	TypeI32    Type = 26
	TypeI64    Type = 27
	TypeF64    Type = 28
	TypeIQ1M   Type = 29
	TypeBF16   Type = 30
	TypeTQ1_0  Type = 34
	TypeTQ2_0  Type = 35
	TypeMXFP4  Type = 39
	TypeNVFP4  Type = 40
	TypeQ1_0   Type = 41
)

// layout is one row of the type table; an entry with a name and no block was once a type and has been withdrawn.
type layout struct {
	name         string
	block, bytes int
}

var layouts = [...]layout{
	TypeF32: {"F32", 1, 4}, TypeF16: {"F16", 1, 2}, TypeBF16: {"BF16", 1, 2}, TypeF64: {"F64", 1, 8},
	TypeI8: {"I8", 1, 1}, TypeI16: {"I16", 1, 2}, TypeI32: {"I32", 1, 4}, TypeI64: {"I64", 1, 8},
	TypeQ4_0: {"Q4_0", 32, 18}, TypeQ4_1: {"Q4_1", 32, 20}, TypeQ5_0: {"Q5_0", 32, 22}, TypeQ5_1: {"Q5_1", 32, 24},
	TypeQ8_0: {"Q8_0", 32, 34}, TypeQ8_1: {"Q8_1", 32, 40}, TypeQ1_0: {"Q1_0", 128, 18},
	TypeQ2K: {"Q2_K", 256, 84}, TypeQ3K: {"Q3_K", 256, 110}, TypeQ4K: {"Q4_K", 256, 144}, TypeQ5K: {"Q5_K", 256, 176},
	TypeQ6K: {"Q6_K", 256, 210}, TypeQ8K: {"Q8_K", 256, 292},
	TypeIQ1S: {"IQ1_S", 256, 50}, TypeIQ1M: {"IQ1_M", 256, 56}, TypeIQ2XXS: {"IQ2_XXS", 256, 66}, TypeIQ2XS: {"IQ2_XS", 256, 74},
	TypeIQ2S: {"IQ2_S", 256, 82}, TypeIQ3XXS: {"IQ3_XXS", 256, 98}, TypeIQ3S: {"IQ3_S", 256, 110},
	TypeIQ4NL: {"IQ4_NL", 32, 18}, TypeIQ4XS: {"IQ4_XS", 256, 136},
	TypeTQ1_0: {"TQ1_0", 256, 54}, TypeTQ2_0: {"TQ2_0", 256, 66}, TypeMXFP4: {"MXFP4", 32, 17}, TypeNVFP4: {"NVFP4", 64, 36},
	4: {name: "Q4_2"}, 5: {name: "Q4_3"}, 31: {name: "Q4_0_4_4"}, 32: {name: "Q4_0_4_8"}, 33: {name: "Q4_0_8_8"},
	36: {name: "IQ4_NL_4_4"}, 37: {name: "IQ4_NL_4_8"}, 38: {name: "IQ4_NL_8_8"},
}

func (t Type) layout() layout {
	if uint64(t) < uint64(len(layouts)) {
		return layouts[t]
	}
	return layout{}
}

// String returns ggml's name of the type, such as "Q4_K", or "type 99" for a number that ggml does not define.
func (t Type) String() string {
	if name := t.layout().name; name != "" {
		return name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// BlockSize returns the number of elements in a block: 1 for plain numbers, 0 for a type that does not exist.
func (t Type) BlockSize() int { return t.layout().block }

// BlockBytes returns the bytes that one block takes, 0 for a type that does not exist.
func (t Type) BlockBytes() int { return t.layout().bytes }

// IsQuantized reports whether elements share the scales of a block.
func (t Type) IsQuantized() bool { return t.layout().block > 1 }

// check refuses numbers without a layout, withdrawn types by name.
func (t Type) check() error {
	switch l := t.layout(); {
	case l.block > 0:
		return nil
	case l.name != "":
		return fmt.Errorf("type %s (%d) was withdrawn from ggml; convert the model again", l.name, uint32(t))
	default:
		return fmt.Errorf("unknown type %d", uint32(t))
	}
}

// size returns the bytes of a tensor with dimensions dims, the fastest first as GGUF writes them.
func (t Type) size(dims []uint64) (uint64, error) {
	l := t.layout()
	if l.block == 0 {
		return 0, t.check()
	}
	if len(dims) > 0 && dims[0]%uint64(l.block) != 0 || len(dims) == 0 && l.block > 1 {
		return 0, fmt.Errorf("rows of shape %v are not whole blocks of %d elements of %s", dims, l.block, l.name)
	}
	total := uint64(1)
	for _, d := range dims {
		hi, lo := bits.Mul64(total, d)
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v has more elements than memory has addresses", dims)
		}
		total = lo
	}
	hi, size := bits.Mul64(total/uint64(l.block), uint64(l.bytes))
	if hi != 0 {
		return 0, fmt.Errorf("shape %v of %s takes more than 2^64 bytes", dims, l.name)
	}
	return size, nil
}
