package models

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// Stored is a weight as its file keeps it.
type Stored struct {
	Name  string
	Shape []int  // once unpacked
	Form  string // "bfloat16", "4-bit affine, groups of 64", "Q4_1"
	Bytes int64  // with scales and biases
}

// storing is a tensor that knows what it takes in its file.
type storing interface {
	nn.Tensor
	kept() (form string, bytes int64)
}

// storedWeights lists weights in their forms. The shapes of the model settle those
// that the files leave open.
func storedWeights(w nn.Weights, model []nn.Shape) []Stored {
	rows := map[string]int{}
	for _, t := range model {
		rows[t.Name] = t.Shape[len(t.Shape)-1]
	}
	var list []Stored
	for _, name := range w.Names() {
		t := w.Tensor(name)
		if f, ok := t.(nn.Fitter); ok {
			t = f.Fit(rows[name])
		}
		s := Stored{Name: name, Shape: t.Shape()}
		if k, ok := t.(storing); ok {
			s.Form, s.Bytes = k.kept()
		}
		list = append(list, s)
	}
	return list
}

// formOf names a quantisation.
func formOf(q nn.Quantisation) string {
	if q.Bits == 0 {
		return "packed in an unknown way"
	}
	return fmt.Sprintf("%d-bit %s, groups of %d", q.Bits, q.Mode, q.GroupSize)
}

func (t denseTensor) kept() (string, int64) {
	if d, ok := dtypes[t.DType]; ok {
		return d.String(), t.Size
	}
	return string(t.DType), t.Size
}

func (p *packedTensor) kept() (string, int64) {
	n := p.weight.Size + p.scales.Size
	if p.biases != nil {
		n += p.biases.Size
	}
	return formOf(p.q), n
}

func (g *globalTensor) kept() (string, int64) {
	form, n := g.p.kept()
	return form, n + g.global.Size
}

func (t *blocksTensor) kept() (string, int64) {
	return formOf(t.Quantisation()), t.blocks.Size + t.scales.Size
}

func (t *intTensor) kept() (string, int64) {
	n := t.qweight.Size + t.scales.Size
	if t.qzeros != nil {
		n += t.qzeros.Size
	}
	kind := "GPTQ"
	if _, ok := t.layout.(awq); ok {
		kind = "AWQ"
	}
	if t.size < 0 {
		return fmt.Sprintf("%d-bit %s, a group a row", t.bits, kind), n
	}
	return fmt.Sprintf("%d-bit %s, groups of %d", t.bits, kind, t.size), n
}

func (t *indexedTensor) kept() (string, int64) {
	form, n := t.w.kept()
	return form, n + t.stored.Size
}

func (t *fp8Tensor) kept() (string, int64) {
	form := "float8"
	if len(t.block) == 2 && !t.whole() {
		form = fmt.Sprintf("float8, blocks of %d x %d", t.block[0], t.block[1])
	}
	return form, t.weight.Size + t.scale.Size
}

func (t ggufTensor) kept() (string, int64) {
	if d, ok := ggufFloats[t.info.Type]; ok {
		return d, t.info.Size
	}
	return t.info.Type.String(), t.info.Size
}

// ggufFloats are the types that are numbers, by MLX's names.
var ggufFloats = map[gguf.Type]string{gguf.TypeF32: "float32", gguf.TypeF16: "float16", gguf.TypeBF16: "bfloat16"}
