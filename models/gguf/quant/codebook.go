package quant

import (
	"encoding/binary"
	"math"
)

// codebook holds the sixteen integers of IQ4_NL and IQ4_XS.
var codebook = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// e2m1 holds twice the sixteen numbers of four bits that MXFP4 has: a sign, two bits of exponent, one of mantissa.
var e2m1 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

func expandIQ4NL(dst []float32, src []byte) {
	var table [16]float32
	for ; len(src) >= 18; dst, src = dst[32:], src[18:] {
		d := fromHalf(binary.LittleEndian.Uint16(src))
		for q, v := range codebook {
			table[q] = d * float32(v)
		}
		expandNibbles((*[32]float32)(dst), (*[16]byte)(src[2:]), &table)
	}
}

func expandMXFP4(dst []float32, src []byte) {
	var table [16]float32
	for ; len(src) >= 17; dst, src = dst[32:], src[17:] {
		d := halfPower(src[0])
		for q, v := range e2m1 {
			table[q] = d * float32(v)
		}
		expandNibbles((*[32]float32)(dst), (*[16]byte)(src[1:]), &table)
	}
}

// halfPower is half of 2^(e-127), as ggml has it for every e.
func halfPower(e byte) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// packCodebook writes the codebook's integers, 128 higher, in order.
func packCodebook(dst []uint32, qs []byte) {
	d := (*[8]uint32)(dst)
	for i := range d {
		j := 4 * i % 16
		shift := i / 4 * 4
		var word uint32
		for k, b := range qs[j : j+4] {
			word |= uint32(byte(codebook[b>>shift&15])^0x80) << (8 * k)
		}
		d[i] = word
	}
}
