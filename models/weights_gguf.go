package models

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ggufWeights shows the tensors of a GGUF file under their checkpoint names.
type ggufWeights struct {
	file    *gguf.File
	tensors map[string]gguf.TensorInfo
	heads   map[string]int // of the tensors whose rows are permuted for rotation by pairs
}

// ggufNames maps GGUF's tensor names to those of the checkpoint.
var ggufNames = map[string]string{
	"token_embd":  "model.embed_tokens",
	"output_norm": "model.norm",
	"output":      "lm_head",
	"attn_q":      "self_attn.q_proj",
	"attn_k":      "self_attn.k_proj",
	"attn_v":      "self_attn.v_proj",
	"attn_output": "self_attn.o_proj",
	"attn_norm":   "input_layernorm",
	"ffn_norm":    "post_attention_layernorm",
	"ffn_gate":    "mlp.gate_proj",
	"ffn_up":      "mlp.up_proj",
	"ffn_down":    "mlp.down_proj",
}

var ggufName = regexp.MustCompile(`^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$`)

// checkpointName translates one name; what it does not know stays as it is, and
// shows up as no part of the model.
func checkpointName(name string) string {
	m := ggufName.FindStringSubmatch(name)
	if m == nil || ggufNames[m[2]] == "" {
		return name
	}
	if m[1] == "" {
		return ggufNames[m[2]] + "." + m[3]
	}
	return fmt.Sprintf("model.layers.%s.%s.%s", m[1], ggufNames[m[2]], m[3])
}

// newGGUFWeights indexes a file of architecture llama, whose converter reorders
// the rows of q and k.
func newGGUFWeights(f *gguf.File, heads, kvHeads int) *ggufWeights {
	w := &ggufWeights{file: f, tensors: map[string]gguf.TensorInfo{}, heads: map[string]int{}}
	for _, info := range f.Tensors {
		name := checkpointName(info.Name)
		w.tensors[name] = info
		if m := ggufName.FindStringSubmatch(info.Name); m != nil {
			switch m[2] {
			case "attn_q":
				w.heads[name] = heads
			case "attn_k":
				w.heads[name] = kvHeads
			}
		}
	}
	return w
}

// Names implements nn.Weights.
func (w *ggufWeights) Names() []string {
	var names []string
	for n := range w.tensors {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Tensor implements nn.Weights.
func (w *ggufWeights) Tensor(name string) nn.Tensor {
	info, ok := w.tensors[name]
	if !ok {
		return nil
	}
	t := ggufTensor{w: w, info: info, heads: w.heads[name]}
	if _, packed := quant.FormOf(info.Type); packed {
		return ggufPacked{t}
	}
	return t
}

// ggufTensor is one tensor of the file.
type ggufTensor struct {
	w     *ggufWeights
	info  gguf.TensorInfo
	heads int // over which the rows are permuted; 0 for none
}

func (t ggufTensor) Shape() []int { return t.info.Shape }

// options says how the rows are put back into the model's order.
func (t ggufTensor) options() ([]quant.Option, error) {
	if t.heads == 0 {
		return nil, nil
	}
	rows := t.info.Shape[0]
	if rows%t.heads != 0 {
		return nil, t.wrap(fmt.Errorf("%d rows are no multiple of %d heads", rows, t.heads))
	}
	order, err := quant.HalvesFromPairs(t.heads, rows/t.heads)
	if err != nil {
		return nil, t.wrap(err)
	}
	return []quant.Option{quant.WithRowOrder(order)}, nil
}

func (t ggufTensor) wrap(err error) error {
	return fmt.Errorf("%s: tensor %s: %w", t.w.file.Name(), t.info.Name, err)
}

// Dense expands the tensor in Go, over all cores, and converts it to dtype.
func (t ggufTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	data, err := t.w.file.Data(t.info)
	if err != nil {
		return mlx.Array{}, err
	}
	opts, err := t.options()
	if err != nil {
		return mlx.Array{}, err
	}
	n := 1
	for _, d := range t.info.Shape {
		n *= d
	}
	values := make([]float32, n)
	if err := quant.Dequantize(t.info, data, values, opts...); err != nil {
		return mlx.Array{}, t.wrap(err)
	}
	a, err := mlx.FromSlice(th, values, t.info.Shape...)
	if err != nil || dtype == mlx.Float32 {
		return a, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return s.AsType(s.Own(a, nil), dtype) })
}

// ggufPacked is a tensor whose type MLX's affine quantisation holds exactly.
type ggufPacked struct{ ggufTensor }

func (t ggufPacked) Quantisation() nn.Quantisation {
	form, _ := quant.FormOf(t.info.Type)
	return nn.Quantisation{GroupSize: form.GroupSize, Bits: form.Bits, Mode: "affine"}
}

func (t ggufPacked) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	data, err := t.w.file.Data(t.info)
	if err != nil {
		return nn.Packed{}, err
	}
	opts, err := t.options()
	if err != nil {
		return nn.Packed{}, err
	}
	var a quant.Affine
	if err := quant.Repack(t.info, data, &a, opts...); err != nil {
		return nn.Packed{}, t.wrap(err)
	}
	return affineArrays(th, &a, t.Quantisation(), dtype)
}

// affineArrays copies a repacked matrix into arrays.
func affineArrays(th *mlx.Thread, a *quant.Affine, q nn.Quantisation, dtype mlx.Dtype) (nn.Packed, error) {
	out := nn.Packed{Quantisation: q}
	groups := a.Cols / a.GroupSize
	var errs [3]error
	out.Weight, errs[0] = mlx.FromSlice(th, a.Weight, a.Rows, a.Cols*a.Bits/32)
	for i, part := range []struct {
		values []float32
		dst    *mlx.Array
	}{{a.Scales, &out.Scales}, {a.Biases, &out.Biases}} {
		values, err := mlx.FromSlice(th, part.values, a.Rows, groups)
		if err == nil && dtype != mlx.Float32 {
			values, err = evaluated(th, func(s *mlx.Scope) mlx.Array { return s.AsType(s.Own(values, nil), dtype) })
		}
		*part.dst, errs[i+1] = values, err
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nn.Packed{}, errors.Join(err, mlx.CloseAll(out.Weight, out.Scales, out.Biases))
	}
	return out, nil
}
