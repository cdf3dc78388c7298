package models

import (
	"strings"

	"forge.lthn.ai/core/go-mlx/models/internal/repack"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// AWQ: Lin et al., 2023, https://arxiv.org/abs/2306.00978, as AutoAWQ stores it in
// its version "gemm": qweight [in, out/8] with words along the outputs, whose eight
// codes stand in the order 0 2 4 6 1 3 5 7, scales [groups, out] and qzeros
// [groups, out/8]. Without qzeros the zero point is 8. Reference:
// _transform_awq_weights of mlx_lm/utils.py.

func checkAWQ(p *packer) error {
	if p.Bits = orElse(p.Bits, 4); p.Bits != 4 {
		return fieldError("bits", "%d bits of awq are not 4", p.Bits)
	}
	if v := strings.ToLower(p.Version); v != "" && v != "gemm" {
		return fieldError("version", "%q is not gemm", p.Version)
	}
	p.GroupSize = orElse(p.GroupSize, 128)
	return checkGroups(p.GroupSize)
}

func collectAWQ(p *packer, stored storedTensors, found map[string]nn.Tensor) {
	for _, base := range stored.ending(".qweight") {
		if !stored.has(base + ".scales") {
			continue // shows as no part of the model
		}
		w := &intTensor{
			qweight: *stored.take(base + ".qweight"), scales: *stored.take(base + ".scales"), qzeros: stored.take(base + ".qzeros"),
			bits: 4, size: p.GroupSize,
		}
		if len(w.qweight.Shape) == 2 {
			w.in, w.out = w.qweight.Shape[0], w.qweight.Shape[1]*8
		}
		w.layout = awq{w}
		found[base+".weight"] = w
	}
}

// awq reads the integers of an AWQ weight.
type awq struct{ w *intTensor }

func (a awq) words() (weight, zeros []int) {
	return []int{a.w.in, a.w.out / 8}, []int{a.w.groups(), a.w.out / 8}
}

func (a awq) codes(dst []uint32, src []byte) { repack.AWQ(dst, src, a.w.in, a.w.out) }

func (a awq) zeros(dst []float32, src []byte) { repack.AWQZeros(dst, src, a.w.groups(), a.w.out) }
