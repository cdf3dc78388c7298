package quant

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// QuantizeAffine is Quantize for a matrix in MLX's affine quantisation: rows of a, which are those of dst. Groups of 32 with
// the bits of the type, whose scale and bias its blocks can hold exactly, become the same numbers: Q4_1 whatever float16
// holds, Q4_0 and Q8_0 a bias in the middle of the range. The others are expanded and quantised anew. Scales and Biases of a
// are float32.
func QuantizeAffine(info gguf.TensorInfo, a *Affine, dst []byte, opts ...Option) error {
	encode, ok := encoders[info.Type]
	if !ok {
		return unsupported("quantize", info.Name, info.Type, Quantizable())
	}
	o := collect(opts)
	m, err := newMatrix(info, dst, options{})
	if err != nil {
		return err
	}
	if err := a.check(m.rows, m.cols); err != nil {
		return m.errorf("%w", err)
	}
	keep := keepers[info.Type]
	if a.GroupSize != 32 || a.Bits != keep.bits {
		keep.block = func([]byte, []byte, float32, float32) bool { return false }
	}
	block, size := info.Type.BlockSize(), info.Type.BlockBytes()
	return m.each(o.workers, func(lo, n int, out []byte) error {
		codes, values := make([]byte, m.cols), make([]float32, m.cols)
		for r := lo; r < lo+n; r++ {
			a.unpack(r, codes, values)
			for at := 0; at < m.cols; at += block {
				g := (r*m.cols + at) / a.GroupSize
				to, v := out[:size], values[at:at+block]
				out = out[size:]
				if !finite(v) || !keep.block(to, codes[at:at+block], a.Scales[g], a.Biases[g]) && !encode(to, v) {
					return m.unfit(r, v)
				}
			}
		}
		return nil
	})
}

// check refuses a matrix of another shape, or with parts that do not fit it.
func (a *Affine) check(rows, cols int) error {
	fits := a.GroupSize > 0 && a.Bits > 0 && a.Bits <= 8 && a.Rows == rows && a.Cols == cols && cols%a.GroupSize == 0 && cols*a.Bits%32 == 0
	if !fits || len(a.Weight) != rows*a.words() || len(a.Scales) != rows*a.groups() || len(a.Biases) != rows*a.groups() {
		return fmt.Errorf("no affine matrix of %d x %d", rows, cols)
	}
	return nil
}

// unpack writes the codes of a row, and its weights.
func (a *Affine) unpack(row int, codes []byte, values []float32) {
	words := a.Weight[row*a.words() : (row+1)*a.words()]
	var buffer uint64
	have, next := 0, 0
	for i := range codes {
		if have < a.Bits {
			buffer |= uint64(words[next]) << have
			have, next = have+32, next+1
		}
		codes[i] = byte(buffer & (1<<a.Bits - 1))
		buffer, have = buffer>>a.Bits, have-a.Bits
		g := (row*a.Cols + i) / a.GroupSize
		values[i] = float32(a.Scales[g]*float32(codes[i])) + a.Biases[g]
	}
}

// keepers write codes with their scale and bias as they are, where the type can.
var keepers = map[gguf.Type]struct {
	bits  int
	block func(dst, codes []byte, scale, bias float32) bool
}{
	gguf.TypeQ4_0: {4, func(dst, codes []byte, scale, bias float32) bool {
		putNibbles(dst[2:], codes)
		return bias == -8*scale && putExactly(dst, scale)
	}},
	gguf.TypeQ4_1: {4, func(dst, codes []byte, scale, bias float32) bool {
		putNibbles(dst[4:], codes)
		return putExactly(dst, scale) && putExactly(dst[2:], bias)
	}},
	gguf.TypeQ8_0: {8, func(dst, codes []byte, scale, bias float32) bool {
		for i, c := range codes {
			dst[2+i] = c ^ 0x80
		}
		return bias == -128*scale && putExactly(dst, scale)
	}},
}

func putNibbles(dst, codes []byte) {
	for j := range 16 {
		dst[j] = codes[j] | codes[j+16]<<4
	}
}

// putExactly writes v as a float16 if one has its value.
func putExactly(dst []byte, v float32) bool { return putHalf(dst, v) && fromHalf(toHalf(v)) == v }
