package models

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// collectBlocks finds the experts of gpt_oss: X_blocks [E, out, in/32, 16] of bytes
// with two numbers each and X_scales [E, out, in/32] are the weight X [E, out, in]
// in MLX's mode "mxfp4", the same bytes. Reference: sanitize of
// mlx_lm/models/gpt_oss.py.
func collectBlocks(_ *packer, stored storedTensors, found map[string]nn.Tensor) {
	for _, base := range stored.ending("_blocks") {
		if stored.has(base + "_scales") {
			found[base] = &blocksTensor{*stored.take(base + "_blocks"), *stored.take(base + "_scales")}
		}
	}
}

// blocksTensor is a weight in blocks of 32 numbers.
type blocksTensor struct{ blocks, scales storedTensor }

// blockBytes hold the numbers of a block.
const blockBytes = 16

// Shape is that of the weight once unpacked.
func (t *blocksTensor) Shape() []int {
	shape := t.blocks.Shape
	if len(shape) < 2 {
		return shape
	}
	last := len(shape) - 2
	return append(slices.Clone(shape[:last]), shape[last]*2*blockBytes)
}

// Check implements nn.Checker.
func (t *blocksTensor) Check() error {
	n := len(t.blocks.Shape)
	if n < 3 || t.blocks.Shape[n-1] != blockBytes {
		return t.blocks.errorf("shape %v is not that of blocks of %d bytes", t.blocks.Shape, blockBytes)
	}
	return errors.Join(t.blocks.wants(nil, safetensors.U8), t.scales.wants(t.blocks.Shape[:n-1], safetensors.U8))
}

// Quantisation implements nn.Quantised.
func (t *blocksTensor) Quantisation() nn.Quantisation {
	return nn.Quantisation{GroupSize: 2 * blockBytes, Bits: 4, Mode: "mxfp4"}
}

// Packed implements nn.Quantised: four bytes are a word.
func (t *blocksTensor) Packed(th *mlx.Thread, _ mlx.Dtype) (nn.Packed, error) {
	if err := t.Check(); err != nil {
		return nn.Packed{}, err
	}
	shape := t.Shape()
	shape[len(shape)-1] /= 8
	w, err := t.blocks.readBits(th, mlx.Uint32, shape...)
	if err != nil {
		return nn.Packed{}, err
	}
	scales, err := t.scales.read(th)
	if err != nil {
		return nn.Packed{}, errors.Join(err, w.Close())
	}
	return nn.Packed{Quantisation: t.Quantisation(), Weight: w, Scales: scales}, nil
}

// Dense implements nn.Tensor.
func (t *blocksTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	packed, err := t.Packed(th, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	return unpacked(th, packed, dtype)
}
