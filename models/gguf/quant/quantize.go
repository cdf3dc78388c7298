package quant

import (
	"encoding/binary"
	"math"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// blockEncoder writes one block of values into dst, and says no where the
// type cannot hold them: most have a scale of float16.
type blockEncoder func(dst []byte, values []float32) bool

var encoders = map[gguf.Type]blockEncoder{
	gguf.TypeF32: encodeF32, gguf.TypeF16: encodeF16, gguf.TypeBF16: encodeBF16,
	gguf.TypeQ4_0: encodeQ4_0, gguf.TypeQ4_1: encodeQ4_1, gguf.TypeQ8_0: encodeQ8_0,
}

// Quantizable lists the types that Quantize writes.
func Quantizable() []gguf.Type {
	return []gguf.Type{gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16, gguf.TypeQ8_0, gguf.TypeQ4_1, gguf.TypeQ4_0}
}

// Quantize writes values, the elements of a tensor of info's type and shape in row-major order, as the blocks of that type
// into dst, as the reference functions of ggml do (quantize_row_q4_0_ref and its like), bit for bit. The types are those of
// [Quantizable]. A value that is not finite, or one that is too large for the type, is an error.
func Quantize(info gguf.TensorInfo, values []float32, dst []byte, opts ...Option) error {
	encode, ok := encoders[info.Type]
	if !ok {
		return unsupported("quantize", info.Name, info.Type, Quantizable())
	}
	o := collect(opts)
	m, err := newMatrix(info, dst, options{})
	if err != nil {
		return err
	}
	if len(values) != m.rows*m.cols {
		return m.errorf("%d values for shape %v", len(values), []int{m.rows, m.cols})
	}
	block, size := info.Type.BlockSize(), info.Type.BlockBytes()
	return m.each(o.workers, func(lo, _ int, out []byte) error {
		for at := 0; at < len(out); at += size {
			from := lo*m.cols + at/size*block
			if v := values[from : from+block]; !finite(v) || !encode(out[at:at+size], v) {
				return m.unfit(from/m.cols, v)
			}
		}
		return nil
	})
}

func finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// unfit says what is wrong with values of a row.
func (m *matrix) unfit(row int, values []float32) error {
	worst := slices.MaxFunc(values, func(a, b float32) int {
		return int(math.Float32bits(a)&0x7fffffff) - int(math.Float32bits(b)&0x7fffffff)
	})
	if worst-worst != 0 {
		return m.errorf("row %d: the weight %v is no number", row, worst)
	}
	return m.errorf("row %d: the weight %g is beyond what the type can hold", row, worst)
}

func encodeF32(dst []byte, v []float32) bool {
	binary.LittleEndian.PutUint32(dst, math.Float32bits(v[0]))
	return true
}

func encodeF16(dst []byte, v []float32) bool { return putHalf(dst, v[0]) }

func encodeBF16(dst []byte, v []float32) bool {
	n := math.Float32bits(v[0])
	h := uint16((n + 0x7fff + n>>16&1) >> 16) // to the nearest, or the even
	binary.LittleEndian.PutUint16(dst, h)
	return h&0x7f80 != 0x7f80
}

// putHalf writes v as a float16, if that is finite.
func putHalf(dst []byte, v float32) bool {
	h := toHalf(v)
	binary.LittleEndian.PutUint16(dst, h)
	return isFinite(h)
}

// inverse is 1/d, 0 for what float16 has no number for either.
func inverse(d float32) float32 {
	inv := 1 / d
	if math.IsInf(float64(inv), 0) {
		return 0
	}
	return inv
}

// nibble is a number of four bits, which rounding may have brought to 16.
func nibble(v float32) byte { return min(byte(v), 15) }

func encodeQ4_0(dst []byte, v []float32) bool {
	var most float32 // with its sign, the first of equals
	for _, x := range v {
		if abs(x) > abs(most) {
			most = x
		}
	}
	d := most / -8
	inv := inverse(d)
	for j := range 16 {
		dst[2+j] = nibble(float32(v[j]*inv)+8.5) | nibble(float32(v[j+16]*inv)+8.5)<<4
	}
	return putHalf(dst, d)
}

func encodeQ4_1(dst []byte, v []float32) bool {
	low, high := slices.Min(v), slices.Max(v)
	d := (high - low) / 15
	inv := inverse(d)
	for j := range 16 {
		dst[4+j] = nibble(float32((v[j]-low)*inv)+0.5) | nibble(float32((v[j+16]-low)*inv)+0.5)<<4
	}
	return putHalf(dst, d) && putHalf(dst[2:], low)
}

func encodeQ8_0(dst []byte, v []float32) bool {
	var most float32
	for _, x := range v {
		most = max(most, abs(x))
	}
	d := most / 127
	inv := inverse(d)
	for j, x := range v {
		dst[2+j] = byte(int8(math.Round(float64(x * inv))))
	}
	return putHalf(dst, d)
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
