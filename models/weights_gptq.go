package models

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/internal/repack"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GPTQ: Frantar et al., 2022, https://arxiv.org/abs/2210.17323, as AutoGPTQ and
// its successors store it: qweight [in*bits/32, out] with words along the inputs,
// scales [groups, out], qzeros [groups, out*bits/32] and g_idx [in], the group of
// each input. w = scale * (q - zero), which is MLX's affine form with
// bias = -scale * zero.

func checkGPTQ(p *packer) error {
	if !slices.Contains([]int{2, 4, 8}, p.Bits) {
		return fieldError("bits", "%d bits of gptq are none of 2, 4 and 8", p.Bits)
	}
	if f := p.CheckpointFormat; f != "" && f != "gptq" && f != "gptq_v2" {
		return fieldError("checkpoint_format", "%q is none of gptq and gptq_v2", f)
	}
	return checkGroups(p.GroupSize)
}

// checkGroups accepts sizes that MLX has, multiples of its largest, which repeat a
// scale, and the whole row.
func checkGroups(size int) error {
	if size == -1 || slices.Contains(groupSizes, size) || size > 0 && size%128 == 0 {
		return nil
	}
	return fieldError("group_size", "%d is none of 32, 64, multiples of 128 and -1", size)
}

func collectGPTQ(p *packer, stored storedTensors, found map[string]nn.Tensor) {
	for _, base := range stored.ending(".qweight") {
		if !stored.has(base+".scales", base+".qzeros") {
			continue // shows as no part of the model
		}
		w := &intTensor{
			qweight: *stored.take(base + ".qweight"), scales: *stored.take(base + ".scales"), qzeros: stored.take(base + ".qzeros"),
			bits: p.Bits, size: p.GroupSize,
		}
		if len(w.qweight.Shape) == 2 {
			w.in, w.out = w.qweight.Shape[0]*32/p.Bits, w.qweight.Shape[1]
		}
		w.layout = gptq{w, uint32(1)}
		if p.CheckpointFormat == "gptq_v2" {
			w.layout = gptq{w, 0}
		}
		found[base+".weight"] = w
		if index := stored.take(base + ".g_idx"); index != nil {
			found[base+".weight"] = gptqIndexed(w, *index)
		}
	}
}

// gptq reads the integers of a GPTQ weight.
type gptq struct {
	w    *intTensor
	plus uint32 // what the stored zeros lack
}

func (g gptq) words() (weight, zeros []int) {
	per := 32 / g.w.bits
	return []int{g.w.in / per, g.w.out}, []int{g.w.groups(), g.w.out / per}
}

func (g gptq) codes(dst []uint32, src []byte) {
	repack.Transpose(dst, src, g.w.qweight.Shape[0], g.w.out)
}

func (g gptq) zeros(dst []float32, src []byte) {
	repack.GPTQZeros(dst, src, g.w.groups(), g.w.out, g.w.bits, g.plus)
}

// gptqIndexed looks at the groups of the inputs. In order, the weight stays
// packed; by activation (desc_act), no packed form of MLX's holds it.
func gptqIndexed(w *intTensor, index storedTensor) nn.Tensor {
	t := &indexedTensor{w: w, stored: index}
	if t.Check() != nil {
		return t // which says so
	}
	for i, g := range t.index {
		if g != i/(w.in/w.groups()) {
			return t
		}
	}
	return w
}

// indexedTensor is a GPTQ weight whose groups are not in order. It is unpacked.
type indexedTensor struct {
	w      *intTensor
	stored storedTensor
	index  []int
}

func (t *indexedTensor) Shape() []int { return t.w.Shape() }

func (t *indexedTensor) StoredDtype() mlx.Dtype { return t.w.StoredDtype() }

// Check implements nn.Checker, and reads the index.
func (t *indexedTensor) Check() error {
	if err := errors.Join(t.w.Check(), t.stored.wants([]int{t.w.in}, safetensors.I32)); err != nil || t.index != nil {
		return err
	}
	index, err := t.stored.ints()
	if err != nil {
		return err
	}
	for i, g := range index {
		if g < 0 || g >= t.w.groups() {
			return t.stored.errorf("group %d of input %d is none of %d", g, i, t.w.groups())
		}
	}
	t.index = index
	return nil
}

// Dense implements nn.Tensor.
func (t *indexedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	if err := t.Check(); err != nil {
		return mlx.Array{}, err
	}
	scales, zeros, err := t.w.groupNumbers(th)
	if err != nil {
		return mlx.Array{}, err
	}
	data, err := t.w.qweight.file.Data(t.w.qweight.TensorInfo)
	if err != nil {
		return mlx.Array{}, err
	}
	values := make([]float32, t.w.in*t.w.out)
	repack.GPTQDense(values, data, t.w.in, t.w.out, t.w.bits, t.index, zeros, scales)
	return fromFloats(th, values, dtype, t.w.out, t.w.in)
}
