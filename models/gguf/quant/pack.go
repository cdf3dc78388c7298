package quant

import "encoding/binary"

// The packing works on eight elements at a time: eight bytes of a uint64, each holding one integer, are squeezed
// together in three steps, each of which joins neighbours.

const lowNibbles = 0x0f0f0f0f0f0f0f0f

// squeeze4 puts the low nibbles of eight bytes side by side in 32 bits; the high nibbles must be zero.
func squeeze4(x uint64) uint32 {
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}

// squeeze5 puts the low five bits of eight bytes side by side in 40 bits; the rest must be zero.
func squeeze5(x uint64) uint64 {
	x = x&0x001f001f001f001f | x>>3&0x03e003e003e003e0
	x = x&0x000003ff000003ff | x>>6&0x000ffc00000ffc00
	return x&0xfffff | x>>12&0xfffff00000
}

// spread moves bit i of b to bit 4 of byte i.
func spread(b byte) uint64 {
	x := uint64(b) * 0x0101010101010101 & 0x8040201008040201 // bit i stays in byte i only
	x += 0x7f7f7f7f7f7f7f7f                                  // a byte that is not zero reaches its bit 7
	return x >> 3 & 0x1010101010101010
}

// packNibbles reorders the nibbles of consecutive blocks of size bytes. From byte at on a block has 16 bytes, which
// hold elements j and j+16 in one byte; they become four words in order.
func packNibbles(dst []uint32, src []byte, size, at int) {
	done := fastNibbles(dst, src, size, at)
	slowNibbles(dst[4*done:], src[size*done:], size, at)
}

func slowNibbles(dst []uint32, src []byte, size, at int) {
	for ; len(src) >= size && len(dst) >= 4; src, dst = src[size:], dst[4:] {
		qs, d := (*[16]byte)(src[at:]), (*[4]uint32)(dst)
		a, b := binary.LittleEndian.Uint64(qs[:8]), binary.LittleEndian.Uint64(qs[8:])
		d[0], d[1] = squeeze4(a&lowNibbles), squeeze4(b&lowNibbles)
		d[2], d[3] = squeeze4(a>>4&lowNibbles), squeeze4(b>>4&lowNibbles)
	}
}

// packFives joins the fifth bits (four bytes, element 0 lowest) with the nibbles after them, into five words.
func packFives(dst []uint32, b []byte) {
	high := (*[4]byte)(b)
	x, y := binary.LittleEndian.Uint64(b[4:]), binary.LittleEndian.Uint64(b[12:])
	joinFives((*[5]uint32)(dst), x&lowNibbles|spread(high[0]), y&lowNibbles|spread(high[1]),
		x>>4&lowNibbles|spread(high[2]), y>>4&lowNibbles|spread(high[3]))
}

// joinFives packs 32 integers of five bits, a byte each, the first eight in x0.
func joinFives(d *[5]uint32, x0, x1, x2, x3 uint64) {
	e0, e1, e2, e3 := squeeze5(x0), squeeze5(x1), squeeze5(x2), squeeze5(x3)
	d[0] = uint32(e0)
	d[1] = uint32(e0>>32 | e1<<8)
	d[2] = uint32(e1>>24 | e2<<16)
	d[3] = uint32(e2>>16 | e3<<24)
	d[4] = uint32(e3 >> 8)
}

// packBytes turns the 32 signed bytes at the end of each of consecutive blocks into unsigned ones, 128 higher.
func packBytes(dst []uint32, src []byte) {
	const size = 34
	done := fastBytes(dst, src, size)
	slowBytes(dst[8*done:], src[size*done:])
}

func slowBytes(dst []uint32, src []byte) {
	for ; len(src) >= 34 && len(dst) >= 8; src, dst = src[34:], dst[8:] {
		d, qs := (*[8]uint32)(dst), (*[32]byte)(src[2:])
		for i := 0; i < 8; i += 2 {
			v := binary.LittleEndian.Uint64(qs[4*i:]) ^ 0x8080808080808080
			d[i], d[i+1] = uint32(v), uint32(v>>32)
		}
	}
}

// blockwise packs consecutive blocks of size bytes, of words words each, one by one.
func blockwise(pack func(dst []uint32, block []byte), size, words int) func(dst []uint32, src []byte) {
	return func(dst []uint32, src []byte) {
		for ; len(src) >= size && len(dst) >= words; src, dst = src[size:], dst[words:] {
			pack(dst[:words], src[:size])
		}
	}
}
