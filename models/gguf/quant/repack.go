package quant

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// packable lists the types that Repack maps, dense those that Dequantize takes beside them and beside MXFP4.
var (
	packable = []gguf.Type{
		gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0,
		gguf.TypeQ2K, gguf.TypeQ3K, gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4NL, gguf.TypeIQ4XS,
	}
	dense = []gguf.Type{gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16}
	micro = []gguf.Type{gguf.TypeMXFP4}
)

// Repack rewrites a quantised tensor as an affine matrix with the same weights, exactly so where the type's [Form] says
// it, and nearly so otherwise. It keeps slices of dst that are large enough, such as those of a view (see [Affine.View]),
// and allocates the others. The data are those of [gguf.File.Data]. A scale that is infinite or not a number is an
// error, since no affine form exists for it; so is, with [WithHalfScales], a bias that float16 cannot hold. After an
// error the contents of dst are undefined.
func Repack(info gguf.TensorInfo, data []byte, dst *Affine, opts ...Option) error {
	o := collect(opts)
	p, ok := packingOf(info.Type, o.fine)
	if !ok {
		return unsupported("repack", info.Name, info.Type, packable)
	}
	m, err := newMatrix(info, data, o)
	if err != nil {
		return err
	}
	if o.half && p.pack == nil {
		return m.errorf("its scales are products that float16 cannot hold; use float32 scales")
	}
	dst.allocate(m.rows, m.cols, p, o)
	return m.each(o.workers, func(lo, n int, src []byte) error {
		part := dst.view(lo, lo+n)
		if at, ok := p.blocks(&part, src, info.Type); !ok {
			return p.badScale(&m, lo, at, src)
		}
		return nil
	})
}

// blocks repacks consecutive blocks. On failure it returns the index of the one whose scale is none.
func (p packing) blocks(dst *Affine, src []byte, t gguf.Type) (int, bool) {
	size := t.BlockBytes()
	if p.pack == nil {
		return p.superblocks(dst, src, splitterOf(t), size)
	}
	p.pack(dst.Weight, src)
	if dst.Scales == nil {
		return p.halfScales(dst.HalfScales, dst.HalfBiases, src, size)
	}
	return p.scales(dst.Scales, dst.Biases, src, size)
}

// superblocks packs consecutive blocks of 256, with their scales and biases.
func (p packing) superblocks(dst *Affine, src []byte, split splitter, size int) (int, bool) {
	var sb superblock
	var q [256]uint8
	words, groups := 256*p.bits/32, 256/p.group
	for b := range len(src) / size {
		if !split(&sb, src[b*size:(b+1)*size]) {
			return b, false
		}
		if p.fit != nil {
			p.fit(&sb, &q, dst.Scales[b*groups:(b+1)*groups], dst.Biases[b*groups:(b+1)*groups])
		} else {
			p.own(dst, &sb, b, &q)
		}
		packWords(dst.Weight[b*words:(b+1)*words], &q, p.bits)
	}
	return 0, true
}

// scales converts the scales and biases of consecutive blocks to float32. On failure it returns the block's index.
func (p packing) scales(scales, biases []float32, src []byte, size int) (int, bool) {
	for i := range scales {
		block := src[i*size:]
		d := binary.LittleEndian.Uint16(block)
		if !isFinite(d) {
			return i, false
		}
		scales[i] = fromHalf(d)
		if p.zero > 0 {
			if biases != nil {
				biases[i] = -scales[i] * float32(p.zero)
			}
			continue
		}
		m := binary.LittleEndian.Uint16(block[2:])
		if !isFinite(m) {
			return i, false
		}
		biases[i] = fromHalf(m)
	}
	return 0, true
}

// halfScales is scales without the conversion.
func (p packing) halfScales(scales, biases []uint16, src []byte, size int) (int, bool) {
	if p.zero == 0 && halfPairs(scales, biases, src, size) {
		return 0, true
	}
	for i := range scales {
		block := src[i*size:]
		scales[i] = binary.LittleEndian.Uint16(block)
		bias, ok := uint16(0), true
		switch {
		case p.zero == 0:
			bias = binary.LittleEndian.Uint16(block[2:])
		case biases != nil:
			bias, ok = shiftHalf(scales[i], bits.Len(uint(p.zero))-1)
		}
		if !ok || !isFinite(scales[i]) || !isFinite(bias) {
			return i, false
		}
		if biases != nil {
			biases[i] = bias
		}
	}
	return 0, true
}

// halfPairs takes scales and biases as blocks begin with them, and reports whether all are finite.
func halfPairs(scales, biases []uint16, src []byte, size int) bool {
	var carries uint32
	biases = biases[:len(scales)]
	for i := range scales {
		v := binary.LittleEndian.Uint32(src[i*size:])
		carries |= v&0x7c007c00 + 0x04000400 // an exponent of ones goes over into the sign
		scales[i], biases[i] = uint16(v), uint16(v>>16)
	}
	return carries&0x80008000 == 0
}

// badScale says why a block, of the rows from lo on, has no affine form.
func (p packing) badScale(m *matrix, lo, block int, src []byte) error {
	inRow := m.cols / m.info.Type.BlockSize()
	row, at := m.first+lo+block/inRow, block%inRow
	d := binary.LittleEndian.Uint16(src[block*m.info.Type.BlockBytes():])
	if p.pack != nil && isFinite(d) && p.zero > 0 {
		return m.errorf("row %d, block %d: %g * -%d is beyond float16; use float32 scales", row, at, fromHalf(d), p.zero)
	}
	return m.errorf("row %d, block %d: scale or minimum is not finite, the file is damaged", row, at)
}

// unsupported names a type that is not handled and those that are.
func unsupported(what, tensor string, t gguf.Type, lists ...[]gguf.Type) error {
	var names []string
	for _, list := range lists {
		for _, t := range list {
			names = append(names, t.String())
		}
	}
	return fmt.Errorf("quant: %s: tensor %q has type %s, which is not supported (%s are)", what, tensor, t, strings.Join(names, ", "))
}
