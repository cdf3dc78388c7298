// Package repack brings 4-bit weights of other tools into MLX's order: words along
// a row, the lowest bits first. The codes stay as they are. It is pure Go and reads
// little-endian bytes as files hold them.
package repack

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
)

// wordAt reads word i.
func wordAt(src []byte, i int) uint32 { return binary.LittleEndian.Uint32(src[4*i:]) }

// Transpose turns words [rows, cols] into [cols, rows]. GPTQ packs along the
// inputs, as MLX does, but has them as rows.
func Transpose(dst []uint32, src []byte, rows, cols int) {
	const block = 16 // words of a cache line
	parallel(cols, block, func(lo, hi int) {
		for r := range rows {
			for c := lo; c < hi; c++ {
				dst[c*rows+r] = wordAt(src, r*cols+c)
			}
		}
	})
}

// awqOrder says at which bit of an AWQ word each of its eight columns stands.
var awqOrder = [8]int{0, 16, 4, 20, 8, 24, 12, 28}

// AWQ turns qweight [in, out/8] of AutoAWQ's version "gemm" into words
// [out, in/8]. in and out are multiples of 8.
func AWQ(dst []uint32, src []byte, in, out int) {
	words := in / 8
	parallel(out/8, 8, func(lo, hi int) {
		for w := range words {
			for j := lo; j < hi; j++ {
				var rows [8]uint32
				for i := range rows {
					rows[i] = wordAt(src, (8*w+i)*(out/8)+j)
				}
				flip(&rows)
				for k, shift := range awqOrder {
					dst[(8*j+k)*words+w] = rows[shift/4]
				}
			}
		}
	})
}

// flip transposes eight words of eight codes: in halves, quarters and eighths.
func flip(m *[8]uint32) {
	for i := range 4 {
		t := (m[i]>>16 ^ m[i+4]) & 0xFFFF
		m[i], m[i+4] = m[i]^t<<16, m[i+4]^t
	}
	for _, i := range [4]int{0, 1, 4, 5} {
		t := (m[i]>>8 ^ m[i+2]) & 0x00FF00FF
		m[i], m[i+2] = m[i]^t<<8, m[i+2]^t
	}
	for i := 0; i < 8; i += 2 {
		t := (m[i]>>4 ^ m[i+1]) & 0x0F0F0F0F
		m[i], m[i+1] = m[i]^t<<4, m[i+1]^t
	}
}

// AWQZeros unpacks qzeros [groups, out/8] into [out, groups].
func AWQZeros(dst []float32, src []byte, groups, out int) {
	for g := range groups {
		for o := range out {
			dst[o*groups+g] = float32(wordAt(src, g*(out/8)+o/8) >> awqOrder[o%8] & 15)
		}
	}
}

// GPTQZeros unpacks qzeros [groups, out*bits/32] into [out, groups]. The first
// version of the format stores one less than the zero point, within the bits that
// it has: plus is 1 for it, and 0 for the second.
func GPTQZeros(dst []float32, src []byte, groups, out, bits int, plus uint32) {
	per, mask := 32/bits, uint32(1)<<bits-1
	for g := range groups {
		for o := range out {
			z := wordAt(src, g*(out/per)+o/per) >> (o % per * bits)
			dst[o*groups+g] = float32((z + plus) & mask)
		}
	}
}

// GPTQDense computes (q - zero) * scale of qweight [in*bits/32, out], where input i
// belongs to group index[i]: any order, as activation order makes it. zeros and
// scales are [out, groups], dst is [out, in].
func GPTQDense(dst []float32, src []byte, in, out, bits int, index []int, zeros, scales []float32) {
	per, mask := 32/bits, uint32(1)<<bits-1
	groups := len(scales) / out
	parallel(out, 16, func(lo, hi int) {
		for i := range in {
			for o := lo; o < hi; o++ {
				q := wordAt(src, i/per*out+o) >> (i % per * bits) & mask
				at := o*groups + index[i]
				dst[o*in+i] = (float32(q) - zeros[at]) * scales[at]
			}
		}
	})
}

// parallel calls fn for the spans of grain that make n, on all cores.
func parallel(n, grain int, fn func(lo, hi int)) {
	var next atomic.Int64
	work := func() {
		for {
			lo := (int(next.Add(1)) - 1) * grain
			if lo >= n {
				return
			}
			fn(lo, min(lo+grain, n))
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+grain-1)/grain) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
