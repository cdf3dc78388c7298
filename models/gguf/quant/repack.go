package quant

import (
	"encoding/binary"
	"fmt"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// packable lists the types that Repack maps, dense those that Dequantize takes beside them.
var (
	packable = []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0}
	dense    = []gguf.Type{gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16}
)

// packing says how the blocks of a type map onto affine groups.
type packing struct {
	bits int
	// shift is the logarithm of the integer that stands for zero, 0 where the block stores its minimum instead.
	shift int
	// pack writes the integers of one block in MLX's order.
	pack func(dst []uint32, block []byte)
}

func packingOf(t gguf.Type) (packing, bool) {
	switch t {
	case gguf.TypeQ4_0:
		return packing{bits: 4, shift: 3, pack: func(dst []uint32, b []byte) { packNibbles(dst, b[2:]) }}, true
	case gguf.TypeQ4_1:
		return packing{bits: 4, pack: func(dst []uint32, b []byte) { packNibbles(dst, b[4:]) }}, true
	case gguf.TypeQ5_0:
		return packing{bits: 5, shift: 4, pack: func(dst []uint32, b []byte) { packFives(dst, b[2:]) }}, true
	case gguf.TypeQ5_1:
		return packing{bits: 5, pack: func(dst []uint32, b []byte) { packFives(dst, b[4:]) }}, true
	case gguf.TypeQ8_0:
		return packing{bits: 8, shift: 7, pack: func(dst []uint32, b []byte) { packBytes(dst, b[2:]) }}, true
	}
	return packing{}, false
}

// Repack rewrites a quantised tensor as an affine matrix with exactly the same weights. It keeps slices of dst that
// are large enough, such as those of a view (see [Affine.View]), and allocates the others. The data are those of
// [gguf.File.Data]. A scale that is infinite or not a number is an error, since no affine form exists for it; so is,
// with [WithHalfScales], a bias that float16 cannot hold. After an error the contents of dst are undefined.
func Repack(info gguf.TensorInfo, data []byte, dst *Affine, opts ...Option) error {
	p, ok := packingOf(info.Type)
	if !ok {
		return unsupported("repack", info.Name, info.Type, packable)
	}
	o := collect(opts)
	m, err := newMatrix(info, data, o.order)
	if err != nil {
		return err
	}
	dst.allocate(m.rows, m.cols, p.bits, o.half)
	words, groups, size := dst.words(), dst.groups(), info.Type.BlockBytes()
	return m.each(o.workers, func(lo, n int, src []byte) error {
		weight := dst.Weight[lo*words : (lo+n)*words]
		for b := range n * groups {
			p.pack(weight[b*p.bits:(b+1)*p.bits], src[b*size:(b+1)*size])
		}
		var at int
		var ok bool
		if o.half {
			at, ok = p.halfScales(dst.HalfScales[lo*groups:(lo+n)*groups], dst.HalfBiases[lo*groups:], src, size)
		} else {
			at, ok = p.scales(dst.Scales[lo*groups:(lo+n)*groups], dst.Biases[lo*groups:], src, size)
		}
		if !ok {
			return p.badScale(&m, lo+at/groups, at%groups, src[at*size:])
		}
		return nil
	})
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
		if p.shift > 0 {
			biases[i] = -scales[i] * float32(int(1)<<p.shift)
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
	for i := range scales {
		block := src[i*size:]
		scales[i] = binary.LittleEndian.Uint16(block)
		ok := true
		if p.shift > 0 {
			biases[i], ok = shiftHalf(scales[i], p.shift)
		} else {
			biases[i] = binary.LittleEndian.Uint16(block[2:])
		}
		if !ok || !isFinite(scales[i]) || !isFinite(biases[i]) {
			return i, false
		}
	}
	return 0, true
}

// badScale says why a block has no exact form.
func (p packing) badScale(m *matrix, row, group int, block []byte) error {
	d := binary.LittleEndian.Uint16(block)
	if isFinite(d) && p.shift > 0 {
		return m.errorf("row %d, block %d: %g * -%d is beyond float16; use float32 scales", row, group, fromHalf(d), 1<<p.shift)
	}
	return m.errorf("row %d, block %d: scale or minimum is not finite, the file is damaged", row, group)
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
