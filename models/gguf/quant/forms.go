package quant

import (
	"encoding/binary"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// packing says how the blocks of a type map onto affine groups. Blocks of 32 elements are one group each and have pack;
// blocks of 256 are taken apart first and have fit.
type packing struct {
	bits, group int
	// shift is the logarithm of the integer that stands for zero, 0 where the block stores its minimum instead.
	shift int
	// pack writes the integers of consecutive blocks in MLX's order.
	pack func(dst []uint32, src []byte)
	// fit writes the integers of one block, not yet packed, and the scales and biases of its groups.
	fit func(sb *superblock, q *[256]uint8, scales, biases []float32)
	// close marks a form whose weights may differ a little.
	close bool
}

// packingOf is the packing of a type; fine takes groups of 16 where a type has them.
func packingOf(t gguf.Type, fine bool) (packing, bool) {
	if p, ok := fineOf(t); ok && fine {
		return p, true
	}
	switch t {
	case gguf.TypeQ4_0:
		return packing{bits: 4, group: 32, shift: 3, pack: func(dst []uint32, src []byte) { packNibbles(dst, src, 18, 2) }}, true
	case gguf.TypeQ4_1:
		return packing{bits: 4, group: 32, pack: func(dst []uint32, src []byte) { packNibbles(dst, src, 20, 4) }}, true
	case gguf.TypeQ5_0:
		return packing{bits: 5, group: 32, shift: 4, pack: blockwise(func(dst []uint32, b []byte) { packFives(dst, b[2:]) }, 22, 5)}, true
	case gguf.TypeQ5_1:
		return packing{bits: 5, group: 32, pack: blockwise(func(dst []uint32, b []byte) { packFives(dst, b[4:]) }, 24, 5)}, true
	case gguf.TypeQ8_0:
		return packing{bits: 8, group: 32, shift: 7, pack: packBytes}, true
	case gguf.TypeIQ4NL:
		return packing{bits: 8, group: 32, shift: 7, pack: blockwise(func(dst []uint32, b []byte) { packCodebook(dst, b[2:]) }, 18, 8)}, true
	case gguf.TypeQ4K:
		return packing{bits: 4, group: 32, fit: fitWhole}, true
	case gguf.TypeQ5K:
		return packing{bits: 5, group: 32, fit: fitWhole}, true
	case gguf.TypeIQ4XS:
		return packing{bits: 8, group: 32, fit: fitSigned}, true
	case gguf.TypeQ3K:
		return packing{bits: 8, group: 128, fit: fitProducts}, true
	case gguf.TypeQ2K, gguf.TypeQ6K:
		return packing{bits: 8, group: 32, fit: fitGrids, close: true}, true
	}
	return packing{}, false
}

// fineOf is the packing in groups of 16. Integers begin at 0 in Q2_K, at -4 in Q3_K and at -32 in Q6_K.
func fineOf(t gguf.Type) (packing, bool) {
	switch t {
	case gguf.TypeQ2K:
		return packing{bits: 2, group: 16, fit: fitSixteen(0)}, true
	case gguf.TypeQ3K:
		return packing{bits: 3, group: 16, fit: fitSixteen(4)}, true
	case gguf.TypeQ6K:
		return packing{bits: 6, group: 16, fit: fitSixteen(32)}, true
	}
	return packing{}, false
}

// fitSixteen takes integers as they are, zero higher, so that none is negative. Nothing is rounded: an integer times
// 11 bits of a float16 and a step of 7 make 24 bits.
func fitSixteen(zero int) func(sb *superblock, q *[256]uint8, scales, biases []float32) {
	return func(sb *superblock, q *[256]uint8, scales, biases []float32) {
		for i, v := range sb.q {
			q[i] = uint8(int(v) + zero)
		}
		for g := range scales {
			scales[g], biases[g] = sb.d[g], -sb.m[g]-float32(zero)*sb.d[g]
		}
	}
}

// fitWhole takes integers as they are: both halves of a group share d and m.
func fitWhole(sb *superblock, q *[256]uint8, scales, biases []float32) {
	for i, v := range sb.q {
		q[i] = uint8(v)
	}
	for g := range scales {
		scales[g], biases[g] = sb.d[2*g], -sb.m[2*g]
	}
}

// fitSigned does the same for signed integers without m, 128 higher.
func fitSigned(sb *superblock, q *[256]uint8, scales, biases []float32) {
	for i, v := range sb.q {
		q[i] = uint8(v) ^ 0x80
	}
	for g := range scales {
		scales[g], biases[g] = sb.d[2*g], -128*sb.d[2*g]
	}
}

// fitProducts multiplies the integers by their steps, so that all share one scale. Q3_K has integers from -4 to 3 and
// steps from -32 to 31: the products reach from -124 to 128.
func fitProducts(sb *superblock, q *[256]uint8, scales, biases []float32) {
	for i, v := range sb.q {
		q[i] = uint8(int(v)*int(sb.steps[i/16]) + 127)
	}
	for g := range scales {
		scales[g], biases[g] = sb.unit, -127*sb.unit
	}
}

// packWords packs integers: those of 4, 5 and 8 bits eight at a time, others one by one.
func packWords(dst []uint32, q *[256]uint8, bits int) {
	switch bits {
	case 4:
		for i := range dst {
			dst[i] = squeeze4(binary.LittleEndian.Uint64(q[8*i:]))
		}
	case 5:
		for i := 0; i < 32; i += 4 {
			joinFives((*[5]uint32)(dst[i/4*5:]), binary.LittleEndian.Uint64(q[8*i:]), binary.LittleEndian.Uint64(q[8*i+8:]),
				binary.LittleEndian.Uint64(q[8*i+16:]), binary.LittleEndian.Uint64(q[8*i+24:]))
		}
	case 8:
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(q[4*i:])
		}
	default:
		var word uint64
		have, at := 0, 0
		for _, v := range q {
			word |= uint64(v) << have
			if have += bits; have >= 32 {
				dst[at] = uint32(word)
				word, have, at = word>>32, have-32, at+1
			}
		}
	}
}
