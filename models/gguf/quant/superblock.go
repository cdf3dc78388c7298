package quant

import (
	"encoding/binary"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// superblock is a block of 256 weights taken apart: weight i is d[i/16]*q[i] - m[i/16].
type superblock struct {
	q    [256]int8
	d, m [16]float32
	// unit and steps give d again, as unit*steps[j].
	unit  float32
	steps [16]int8
	// low and lows do the same for m.
	low  float32
	lows [16]int8
}

// splitter takes a block apart and reports whether its scales are numbers.
type splitter func(sb *superblock, block []byte) bool

func splitterOf(t gguf.Type) splitter {
	switch t {
	case gguf.TypeQ2K:
		return splitQ2K
	case gguf.TypeQ3K:
		return splitQ3K
	case gguf.TypeQ4K:
		return splitQ4K
	case gguf.TypeQ5K:
		return splitQ5K
	case gguf.TypeQ6K:
		return splitQ6K
	case gguf.TypeIQ4XS:
		return splitIQ4XS
	}
	return nil
}

// expand writes the weights. No product is rounded: 11 bits of a float16, a step and an integer make 24 bits at most in
// every type; so it makes no difference whether the subtraction is fused.
func (sb *superblock) expand(dst []float32) {
	out := (*[256]float32)(dst)
	for j := range sb.d {
		d, m := sb.d[j], sb.m[j]
		for i := 16 * j; i < 16*j+16; i++ {
			out[i] = d*float32(sb.q[i]) - m
		}
	}
}

// half reads a float16 and reports whether it is a number.
func half(b []byte) (float32, bool) {
	h := binary.LittleEndian.Uint16(b)
	return fromHalf(h), isFinite(h)
}

// scale sets sub-block j's scale, and its minimum to zero.
func (sb *superblock) scale(j int, step int8) {
	sb.steps[j] = step
	sb.d[j], sb.m[j] = sb.unit*float32(step), 0
}

// minimum sets sub-block j's minimum.
func (sb *superblock) minimum(j int, low int8) {
	sb.lows[j] = low
	sb.m[j] = sb.low * float32(low)
}

// splitQ2K reads 16 scales and minima of 4 bits, the integers, d and dmin.
func splitQ2K(sb *superblock, b []byte) bool {
	d, ok := half(b[80:])
	dmin, okMin := half(b[82:])
	sb.unit, sb.low = d, dmin
	for j, s := range b[:16] {
		sb.scale(j, int8(s&15))
		sb.minimum(j, int8(s>>4))
	}
	pairs(sb, b[16:80])
	return ok && okMin
}

// pairs reads integers of two bits: 32 bytes hold the elements i, i+32, i+64 and i+96.
func pairs(sb *superblock, qs []byte) {
	for i := range sb.q {
		sb.q[i] = int8(qs[i/128*32+i%32] >> (i / 32 % 4 * 2) & 3)
	}
}

// splitQ3K reads the third bits (a bit that is not set means minus 4), the integers, 16 scales of 6 bits and d.
func splitQ3K(sb *superblock, b []byte) bool {
	d, ok := half(b[108:])
	sb.unit = d
	scales := b[96:108]
	for j := range sb.d {
		low := scales[j%8] >> (j / 8 * 4) & 15
		high := scales[8+j%4] >> (j / 4 * 2) & 3
		sb.scale(j, int8(low|high<<4)-32)
	}
	pairs(sb, b[32:96])
	for i := range sb.q {
		sb.q[i] += int8(b[i%32]>>(i/32)&1)<<2 - 4
	}
	return ok
}

// sixBits reads d, dmin and the eight scales and minima of 6 bits, which Q4_K and Q5_K have.
func sixBits(sb *superblock, b []byte) bool {
	d, ok := half(b)
	dmin, okMin := half(b[2:])
	sb.unit, sb.low = d, dmin
	s := b[4:16]
	for g := range 8 {
		step, minimum := s[g%4]&63, s[4+g%4]&63
		if g >= 4 {
			step = s[g+4]&15 | s[g-4]>>6<<4
			minimum = s[g+4]>>4 | s[g]>>6<<4
		}
		for j := 2 * g; j < 2*g+2; j++ {
			sb.scale(j, int8(step))
			sb.minimum(j, int8(minimum))
		}
	}
	return ok && okMin
}

func splitQ4K(sb *superblock, b []byte) bool {
	qs := b[16:144]
	for i := range sb.q {
		sb.q[i] = int8(qs[i/64*32+i%32] >> (i / 32 % 2 * 4) & 15)
	}
	return sixBits(sb, b)
}

func splitQ5K(sb *superblock, b []byte) bool {
	high, qs := b[16:48], b[48:176]
	for i := range sb.q {
		q := qs[i/64*32+i%32] >> (i / 32 % 2 * 4) & 15
		sb.q[i] = int8(q | high[i%32]>>(i/32)&1<<4)
	}
	return sixBits(sb, b)
}

// splitQ6K reads low nibbles, high pairs of bits, 16 signed scales and d.
func splitQ6K(sb *superblock, b []byte) bool {
	d, ok := half(b[208:])
	sb.unit = d
	for j, s := range b[192:208] {
		sb.scale(j, int8(s))
	}
	low, high := b[:128], b[128:192]
	for i := range sb.q {
		q := low[i/128*64+i%64] >> (i / 64 % 2 * 4) & 15
		q |= high[i/128*32+i%32] >> (i / 32 % 4 * 2) & 3 << 4
		sb.q[i] = int8(q) - 32
	}
	return ok
}

// splitIQ4XS reads d, eight scales of 6 bits, and indices into the codebook.
func splitIQ4XS(sb *superblock, b []byte) bool {
	d, ok := half(b)
	sb.unit = d
	high := binary.LittleEndian.Uint16(b[2:])
	for g := range 8 {
		low := b[4+g/2] >> (g % 2 * 4) & 15
		step := int8(low|byte(high>>(2*g)&3)<<4) - 32
		sb.scale(2*g, step)
		sb.scale(2*g+1, step)
	}
	for i := range sb.q {
		sb.q[i] = codebook[b[8+i/32*16+i%16]>>(i/16%2*4)&15]
	}
	return ok
}
