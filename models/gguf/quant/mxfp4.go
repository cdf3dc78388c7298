package quant

import (
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// MXFP4 is a matrix in MLX's mode "mxfp4": numbers of four bits (e2m1), 32 of which share a power of two.
type MXFP4 struct {
	// Rows is the product of all dimensions but the last, Cols the last one.
	Rows, Cols int
	// Weight holds Rows x Cols/8 words, elements in order from the lowest bit up.
	Weight []uint32
	// Scales holds Rows x Cols/32 exponents e of 2^(e-127).
	Scales []uint8
}

// RepackMXFP4 rewrites a tensor of type MXFP4 for MLX, exactly. It keeps slices of dst that are large enough. The
// exponent 255, which is not a number, is an error.
func RepackMXFP4(info gguf.TensorInfo, data []byte, dst *MXFP4, opts ...Option) error {
	if info.Type != gguf.TypeMXFP4 {
		return unsupported("repack as mxfp4", info.Name, info.Type, micro)
	}
	o := collect(opts)
	m, err := newMatrix(info, data, o)
	if err != nil {
		return err
	}
	blocks, size := m.cols/32, info.Type.BlockBytes()
	dst.Rows, dst.Cols = m.rows, m.cols
	dst.Weight, dst.Scales = resize(dst.Weight, m.rows*blocks*4), resize(dst.Scales, m.rows*blocks)
	return m.each(o.workers, func(lo, n int, src []byte) error {
		weight, scales := dst.Weight[lo*blocks*4:], dst.Scales[lo*blocks:]
		for b := range n * blocks {
			block := src[b*size : (b+1)*size]
			if scales[b] = block[0]; block[0] == 255 {
				return m.errorf("row %d, block %d: scale is not a number, the file is damaged", m.first+lo+b/blocks, b%blocks)
			}
			packNibbles(weight[4*b:4*b+4], block[1:], 16, 0)
		}
		return nil
	})
}

// QuantizeMXFP4 writes a matrix in MLX's mode mxfp4 as the blocks of a tensor of type MXFP4 into dst, exactly: the reverse of
// [RepackMXFP4].
func QuantizeMXFP4(info gguf.TensorInfo, x *MXFP4, dst []byte, opts ...Option) error {
	if info.Type != gguf.TypeMXFP4 {
		return unsupported("quantize as mxfp4", info.Name, info.Type, micro)
	}
	o := collect(opts)
	m, err := newMatrix(info, dst, options{})
	if err != nil {
		return err
	}
	blocks, size := m.cols/32, info.Type.BlockBytes()
	if x.Rows != m.rows || x.Cols != m.cols || len(x.Weight) != m.rows*blocks*4 || len(x.Scales) != m.rows*blocks {
		return m.errorf("no matrix of %d x %d", m.rows, m.cols)
	}
	return m.each(o.workers, func(lo, n int, out []byte) error {
		for b := range n * blocks {
			from := lo*blocks + b
			block := out[b*size : (b+1)*size]
			block[0] = x.Scales[from]
			unpackNibbles(block[1:], x.Weight[4*from:4*from+4])
		}
		return nil
	})
}

// unpackNibbles is the reverse of packNibbles.
func unpackNibbles(qs []byte, words []uint32) {
	for j := range 16 {
		low, high := words[j/8]>>(j%8*4), words[2+j/8]>>(j%8*4)
		qs[j] = byte(low&15 | high&15<<4)
	}
}
