package quant

import "golang.org/x/sys/cpu"

// The two packings that most files need, with AVX2. Each takes a number of blocks that
// is not 0, of size bytes, and begins at the integers of the first.

//go:noescape
func nibblesAVX2(dst *uint32, src *byte, pairs, size int)

//go:noescape
func bytesAVX2(dst *uint32, src *byte, blocks, size int)

// fastNibbles packs as many blocks as it can, from byte at of each on, and returns their number.
func fastNibbles(dst []uint32, src []byte, size, at int) int {
	pairs := min(len(src)/size, len(dst)/4) / 2
	if pairs == 0 || !cpu.X86.HasAVX2 || at+16 > size {
		return 0
	}
	nibblesAVX2(&dst[0], &src[at], pairs, size)
	return 2 * pairs
}

// fastBytes is fastNibbles for integers that are the last 32 bytes of a block.
func fastBytes(dst []uint32, src []byte, size int) int {
	blocks := min(len(src)/size, len(dst)/8)
	if blocks == 0 || !cpu.X86.HasAVX2 {
		return 0
	}
	bytesAVX2(&dst[0], &src[size-32], blocks, size)
	return blocks
}
