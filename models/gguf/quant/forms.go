package quant

import (
	"encoding/binary"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// packing says how the blocks of a type map onto affine groups. Blocks of 32 elements are one group each and have pack;
// blocks of 256 are taken apart first.
type packing struct {
	bits, group int
	// zero is the integer that stands for zero, which is the middle of their range; 0 where the block stores its minimum
	// instead.
	zero int
	// pack writes the integers of consecutive blocks in MLX's order.
	pack func(dst []uint32, src []byte)
	// fit writes the integers of a block of 256, not yet packed, and the scales and biases of its groups. Without it they
	// are the block's own.
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
		return packing{bits: 4, group: 32, zero: 8, pack: func(dst []uint32, src []byte) { packNibbles(dst, src, 18, 2) }}, true
	case gguf.TypeQ4_1:
		return packing{bits: 4, group: 32, pack: func(dst []uint32, src []byte) { packNibbles(dst, src, 20, 4) }}, true
	case gguf.TypeQ5_0:
		return packing{bits: 5, group: 32, zero: 16, pack: blockwise(func(dst []uint32, b []byte) { packFives(dst, b[2:]) }, 22, 5)}, true
	case gguf.TypeQ5_1:
		return packing{bits: 5, group: 32, pack: blockwise(func(dst []uint32, b []byte) { packFives(dst, b[4:]) }, 24, 5)}, true
	case gguf.TypeQ8_0:
		return packing{bits: 8, group: 32, zero: 128, pack: packBytes}, true
	case gguf.TypeIQ4NL:
		return packing{bits: 8, group: 32, zero: 128, pack: blockwise(func(dst []uint32, b []byte) { packCodebook(dst, b[2:]) }, 18, 8)}, true
	case gguf.TypeQ4K:
		return packing{bits: 4, group: 32}, true
	case gguf.TypeQ5K:
		return packing{bits: 5, group: 32}, true
	case gguf.TypeIQ4XS:
		return packing{bits: 8, group: 32, zero: 128}, true
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
		return packing{bits: 2, group: 16}, true
	case gguf.TypeQ3K:
		return packing{bits: 3, group: 16, zero: 4}, true
	case gguf.TypeQ6K:
		return packing{bits: 6, group: 16, zero: 32}, true
	}
	return packing{}, false
}

// nested reports whether the scales of a type can be of two levels, which is how its blocks of 256 have them.
func (p packing) nested() bool { return p.bits > 0 && p.pack == nil && p.fit == nil }

// own takes the integers of a block as they are, zero higher so that none is negative, and its scales and biases. Nothing
// is rounded: an integer times 11 bits of a float16 and a step of 7 make 24 bits.
func (p packing) own(dst *Affine, sb *superblock, b int, q *[256]uint8) {
	for i, v := range sb.q {
		q[i] = uint8(int(v) + p.zero)
	}
	groups, blocks := 256/p.group, p.group/16
	if dst.NestedScales != nil {
		size := nestedBytes(p.group)
		nest(dst.NestedScales[b*size:(b+1)*size], sb.unit, &sb.steps, blocks)
		if dst.NestedBiases != nil {
			nest(dst.NestedBiases[b*size:(b+1)*size], -sb.low, &sb.lows, blocks)
		}
		return
	}
	for g := range groups {
		dst.Scales[b*groups+g] = sb.d[g*blocks]
		if dst.Biases != nil {
			dst.Biases[b*groups+g] = -sb.m[g*blocks] - float32(p.zero)*sb.d[g*blocks]
		}
	}
}

// nestedBytes is what the scales of 256 elements take in two levels.
func nestedBytes(group int) int { return 2 + 256/group }

// nest writes a float16 and every n-th of its factors.
func nest(dst []byte, unit float32, factors *[16]int8, n int) {
	binary.LittleEndian.PutUint16(dst, toHalf(unit))
	for i := range dst[2:] {
		dst[2+i] = byte(factors[n*i])
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
