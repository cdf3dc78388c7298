package models

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Block-scaled fp8, as DeepSeek V3 and the FP8 editions of Qwen3 store it: weight
// F8_E4M3 [..., out, in] and weight_scale_inv [..., out/128, in/128], rounded up,
// or one number for all. No dtype of MLX's holds both, so that weights are
// unpacked. Reference: sanitize of mlx_lm/models/deepseek_v3.py and ministral3.py,
// with the product in the dtype asked for and not always bfloat16.

const scaleInv = ".weight_scale_inv"

func checkFP8(p *packer) error {
	if p.BlockSize == nil {
		p.BlockSize = []int{128, 128}
	}
	if len(p.BlockSize) != 2 || min(p.BlockSize[0], p.BlockSize[1]) < 1 || max(p.BlockSize[0], p.BlockSize[1]) > maxSize {
		return fieldError("weight_block_size", "%v are no two sizes between 1 and %d", p.BlockSize, maxSize)
	}
	return nil
}

func collectFP8(p *packer, stored storedTensors, found map[string]nn.Tensor) {
	for _, base := range stored.ending(scaleInv) {
		if !stored.has(base + ".weight") {
			continue // shows as no part of the model
		}
		found[base+".weight"] = &fp8Tensor{*stored.take(base + ".weight"), *stored.take(base + scaleInv), p.BlockSize}
		stored.take(base + ".activation_scale") // for products in fp8, which MLX has not
		stored.take(base + ".input_scale")
	}
}

// fp8Tensor is a weight of fp8 numbers with a scale for each block.
type fp8Tensor struct {
	weight, scale storedTensor
	block         []int
}

func (t *fp8Tensor) Shape() []int { return t.weight.Shape }

// blocks is how many blocks the last two dimensions have.
func (t *fp8Tensor) blocks() []int {
	shape := slices.Clone(t.weight.Shape)
	for i, b := range t.block {
		d := &shape[len(shape)-2+i]
		*d = (*d + b - 1) / b
	}
	return shape
}

// whole tells whether one scale serves the whole weight.
func (t *fp8Tensor) whole() bool {
	return len(t.scale.Shape) == 0 || len(t.scale.Shape) == 1 && t.scale.Shape[0] == 1
}

// Check implements nn.Checker.
func (t *fp8Tensor) Check() error {
	if len(t.weight.Shape) < 2 {
		return t.weight.errorf("shape %v has no rows", t.weight.Shape)
	}
	var want []int
	if !t.whole() {
		want = t.blocks()
	}
	return errors.Join(t.weight.wants(nil, safetensors.F8E4M3), t.scale.wants(want, floats...))
}

// Dense implements nn.Tensor.
func (t *fp8Tensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	if err := t.Check(); err != nil {
		return mlx.Array{}, err
	}
	w, err := t.weight.read(th)
	if err != nil {
		return w, err
	}
	scale, err := t.scale.readAs(th, mlx.Float32)
	if err != nil {
		return mlx.Array{}, errors.Join(err, w.Close())
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array {
		w, scale := s.FromFP8(s.Own(w, nil), mlx.Float32), s.Own(scale, nil)
		if t.whole() {
			return s.AsType(s.Multiply(w, s.Reshape(scale)), dtype)
		}
		return s.AsType(t.scaled(s, w, scale), dtype)
	})
}

// scaled multiplies each block of w [..., out, in] by its scale.
func (t *fp8Tensor) scaled(s *mlx.Scope, w, scale mlx.Array) mlx.Array {
	n := len(t.weight.Shape)
	out, in := t.weight.Shape[n-2], t.weight.Shape[n-1]
	blocks := t.blocks()
	rows, cols := blocks[n-2]*t.block[0], blocks[n-1]*t.block[1]
	lead := t.weight.Shape[:n-2]
	if rows != out || cols != in { // up to whole blocks
		w = s.Pad(w, []int{-2, -1}, []int{0, 0}, []int{rows - out, cols - in}, s.Scalar(0, mlx.Float32), "constant")
	}
	w = s.Reshape(w, append(slices.Clone(lead), blocks[n-2], t.block[0], blocks[n-1], t.block[1])...)
	scale = s.Reshape(scale, append(slices.Clone(lead), blocks[n-2], 1, blocks[n-1], 1)...)
	w = s.Reshape(s.Multiply(w, scale), append(slices.Clone(lead), rows, cols)...)
	if rows == out && cols == in {
		return w
	}
	start, stop, step := make([]int, n), append(slices.Clone(lead), out, in), slices.Repeat([]int{1}, n)
	return s.Slice(w, start, stop, step)
}
