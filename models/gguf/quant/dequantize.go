package quant

import (
	"encoding/binary"
	"math"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// expander writes whole blocks of src as float32.
type expander func(dst []float32, src []byte)

func expanderOf(t gguf.Type) expander {
	switch t {
	case gguf.TypeF32:
		return expandF32
	case gguf.TypeF16:
		return expandF16
	case gguf.TypeBF16:
		return expandBF16
	case gguf.TypeQ4_0:
		return expandQ4_0
	case gguf.TypeQ4_1:
		return expandQ4_1
	case gguf.TypeQ5_0:
		return expandQ5_0
	case gguf.TypeQ5_1:
		return expandQ5_1
	case gguf.TypeQ8_0:
		return expandQ8_0
	case gguf.TypeIQ4NL:
		return expandIQ4NL
	case gguf.TypeMXFP4:
		return expandMXFP4
	}
	if split := splitterOf(t); split != nil {
		size := t.BlockBytes()
		return func(dst []float32, src []byte) { expandSuperblocks(dst, src, split, size) }
	}
	return nil
}

// Dequantize writes a tensor's elements to dst as float32, exactly as the type defines them, in row-major order. dst
// must have one place for each element of the rows that are asked for. The data are those of [gguf.File.Data].
func Dequantize(info gguf.TensorInfo, data []byte, dst []float32, opts ...Option) error {
	expand := expanderOf(info.Type)
	if expand == nil {
		return unsupported("dequantize", info.Name, info.Type, dense, packable, micro)
	}
	o := collect(opts)
	m, err := newMatrix(info, data, o)
	if err != nil {
		return err
	}
	if len(dst) != m.rows*m.cols {
		return m.errorf("room for %d elements, shape %v has %d", len(dst), []int{m.rows, m.cols}, m.rows*m.cols)
	}
	return m.each(o.workers, func(lo, n int, src []byte) error {
		expand(dst[lo*m.cols:(lo+n)*m.cols], src)
		return nil
	})
}

func expandF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func expandF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = fromHalf(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func expandBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// The quantised types have few different values in a block, so each is computed once and looked up 32 times.

func expandQ4_0(dst []float32, src []byte) {
	var table [16]float32
	for ; len(src) >= 18; dst, src = dst[32:], src[18:] {
		d := fromHalf(binary.LittleEndian.Uint16(src))
		for q := range table {
			table[q] = d * float32(q-8)
		}
		expandNibbles((*[32]float32)(dst), (*[16]byte)(src[2:]), &table)
	}
}

func expandQ4_1(dst []float32, src []byte) {
	var table [16]float32
	for ; len(src) >= 20; dst, src = dst[32:], src[20:] {
		d, m := fromHalf(binary.LittleEndian.Uint16(src)), fromHalf(binary.LittleEndian.Uint16(src[2:]))
		for q := range table {
			table[q] = d*float32(q) + m
		}
		expandNibbles((*[32]float32)(dst), (*[16]byte)(src[4:]), &table)
	}
}

func expandQ5_0(dst []float32, src []byte) {
	var table [32]float32
	for ; len(src) >= 22; dst, src = dst[32:], src[22:] {
		d := fromHalf(binary.LittleEndian.Uint16(src))
		for q := range table {
			table[q] = d * float32(q-16)
		}
		expandFives((*[32]float32)(dst), src[2:22], &table)
	}
}

func expandQ5_1(dst []float32, src []byte) {
	var table [32]float32
	for ; len(src) >= 24; dst, src = dst[32:], src[24:] {
		d, m := fromHalf(binary.LittleEndian.Uint16(src)), fromHalf(binary.LittleEndian.Uint16(src[2:]))
		for q := range table {
			table[q] = d*float32(q) + m
		}
		expandFives((*[32]float32)(dst), src[4:24], &table)
	}
}

func expandQ8_0(dst []float32, src []byte) {
	for ; len(src) >= 34; dst, src = dst[32:], src[34:] {
		d := fromHalf(binary.LittleEndian.Uint16(src))
		out, qs := (*[32]float32)(dst), (*[32]byte)(src[2:])
		for i, q := range qs {
			out[i] = d * float32(int8(q))
		}
	}
}

func expandNibbles(out *[32]float32, qs *[16]byte, table *[16]float32) {
	for j, q := range qs {
		out[j], out[j+16] = table[q&15], table[q>>4]
	}
}

func expandFives(out *[32]float32, b []byte, table *[32]float32) {
	high, qs := binary.LittleEndian.Uint32(b), (*[16]byte)(b[4:])
	for j, q := range qs {
		out[j] = table[q&15|byte(high>>j&1)<<4]
		out[j+16] = table[q>>4|byte(high>>(j+16)&1)<<4]
	}
}

func expandSuperblocks(dst []float32, src []byte, split splitter, size int) {
	var sb superblock
	for ; len(src) >= size; dst, src = dst[256:], src[size:] {
		split(&sb, src[:size])
		sb.expand(dst)
	}
}

// Supported reports whether [Dequantize] knows a type.
func Supported(t gguf.Type) bool { return expanderOf(t) != nil }
