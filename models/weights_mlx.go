package models

import (
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// collectMLX finds weights that MLX packed: X.weight of words, X.scales, and
// X.biases in the mode "affine". X.global_scale is a second scale of "nvfp4",
// which MLX's products take for experts only: such weights are unpacked.
func (c *quantConfig) collectMLX(stored storedTensors, found map[string]nn.Tensor) {
	for _, base := range stored.ending(".scales") {
		if !stored.has(base + ".weight") {
			continue
		}
		p := &packedTensor{
			layer: base, config: c,
			weight: *stored.take(base + ".weight"), scales: *stored.take(base + ".scales"), biases: stored.take(base + ".biases"),
		}
		p.q, p.err = p.infer(0)
		found[base+".weight"] = p
		if global := stored.take(base + ".global_scale"); global != nil {
			found[base+".weight"] = &globalTensor{p, *global}
		}
	}
}

// packedTensor is a weight in MLX's quantised form: words, scales and biases.
type packedTensor struct {
	layer          string
	config         *quantConfig
	weight, scales storedTensor
	biases         *storedTensor
	q              nn.Quantisation
	err            error // why q is not known
}

// Shape is that of the weight once unpacked.
func (p *packedTensor) Shape() []int {
	shape := slices.Clone(p.weight.Shape)
	if n := len(shape); n > 0 && p.q.Bits > 0 {
		shape[n-1] = shape[n-1] * 32 / p.q.Bits
	}
	return shape
}

// Fit implements nn.Fitter.
func (p *packedTensor) Fit(in int) nn.Tensor {
	fit := *p
	fit.q, fit.err = p.infer(in)
	return &fit
}

func (p *packedTensor) Quantisation() nn.Quantisation { return p.q }

// StoredDtype implements nn.Stored.
func (p *packedTensor) StoredDtype() mlx.Dtype {
	if p.biases == nil {
		return mlx.BFloat16 // of the modes whose scales are bytes
	}
	return dtypes[p.scales.DType]
}

// ExactDtype implements nn.Exact.
func (p *packedTensor) ExactDtype() mlx.Dtype {
	if p.biases == nil || p.biases.DType != p.scales.DType {
		return mlx.Float32
	}
	return dtypes[p.scales.DType]
}

func (p *packedTensor) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	if err := p.Check(); err != nil {
		return nn.Packed{}, err
	}
	out := nn.Packed{Quantisation: p.q}
	var errs [3]error
	out.Weight, errs[0] = p.weight.read(th)
	if p.biases == nil {
		out.Scales, errs[1] = p.scales.read(th)
	} else {
		out.Scales, errs[1] = p.scales.readAs(th, dtype)
		out.Biases, errs[2] = p.biases.readAs(th, dtype)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nn.Packed{}, errors.Join(err, mlx.CloseAll(out.Weight, out.Scales, out.Biases))
	}
	return out, nil
}

// Check implements nn.Checker: the parts' dtypes and shapes fit the quantisation.
func (p *packedTensor) Check() error {
	if err := p.weight.wants(nil, safetensors.U32); err != nil {
		return err
	}
	if p.err != nil {
		return p.err
	}
	shape := p.Shape()
	in, words := shape[len(shape)-1], p.weight.Shape[len(shape)-1]
	if in%p.q.GroupSize != 0 || in*p.q.Bits != words*32 {
		return p.misfit()
	}
	shape[len(shape)-1] = in / p.q.GroupSize
	if !slices.Equal(p.scales.Shape, shape) {
		return p.misfit()
	}
	if p.q.Mode != "affine" {
		if p.biases != nil {
			return p.biases.errorf("mode %q has no biases", p.q.Mode)
		}
		return p.scales.wants(nil, safetensors.U8)
	}
	if p.biases == nil {
		return p.scales.errorf("there are no biases beside it, which mode %q has", p.q.Mode)
	}
	return errors.Join(p.scales.wants(nil, floats...), p.biases.wants(shape, floats...))
}

func (p *packedTensor) misfit() error {
	return p.weight.errorf("shape %v with scales %v does not fit %d bits in groups of %d (%s)",
		p.weight.Shape, p.scales.Shape, p.q.Bits, p.q.GroupSize, p.config.fieldOf(p.layer))
}

// Dense unpacks in the given dtype.
func (p *packedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	packed, err := p.Packed(th, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	return unpacked(th, packed, dtype)
}

// unpacked takes over a packed weight and makes a dense one of it.
func unpacked(th *mlx.Thread, p nn.Packed, dtype mlx.Dtype) (mlx.Array, error) {
	return evaluated(th, func(s *mlx.Scope) mlx.Array {
		return s.Dequantize(s.Own(p.Weight, nil), s.Own(p.Scales, nil), ownOptional(s, p.Biases),
			mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), p.Mode, mlx.Array{}, mlx.SomeDtype(dtype))
	})
}

func ownOptional(s *mlx.Scope, a mlx.Array) mlx.Array {
	if a.IsNull() {
		return a
	}
	return s.Own(a, nil)
}

// infer tells how the weight is packed: as the config says of its layer, else as
// the shapes do for rows of in values. Rows of unknown length (0) need the
// config's default, or shapes that only one form has: beside the error stands the
// form that takes most when it is unpacked.
func (p *packedTensor) infer(in int) (nn.Quantisation, error) {
	c := p.config
	if q := c.layers[p.layer]; q.Bits > 0 {
		return q, nil
	}
	if len(p.weight.Shape) == 0 || len(p.scales.Shape) == 0 {
		return c.all, p.weight.errorf("has no rows")
	}
	words, groups := p.weight.Shape[len(p.weight.Shape)-1], p.scales.Shape[len(p.scales.Shape)-1]
	if groups == 0 || words == 0 {
		return c.all, p.weight.errorf("shape %v with scales %v holds nothing", p.weight.Shape, p.scales.Shape)
	}
	var fits []nn.Quantisation
	for _, q := range quantisations(p.scales.DType == safetensors.U8) {
		cols := words * 32 / q.Bits
		if cols*q.Bits == words*32 && groups*q.GroupSize == cols && (in == 0 || in == cols) {
			fits = append(fits, q)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case slices.Contains(fits, c.all):
		return c.all, nil
	case len(fits) == 0:
		return c.all, p.weight.errorf("shape %v with scales %v %s are no quantisation of MLX's for rows of %d (%s)",
			p.weight.Shape, p.scales.Shape, p.scales.DType, in, c.fieldOf(p.layer))
	}
	return fits[0], p.weight.errorf("shape %v with scales %v may be %v; config.json must tell in %s",
		p.weight.Shape, p.scales.Shape, alternatives(fits), c.fieldOf(p.layer))
}

// quantisations lists what MLX has; scales of bytes are those of the modes for
// small floats.
func quantisations(bytes bool) []nn.Quantisation {
	if bytes {
		return []nn.Quantisation{
			{GroupSize: 32, Bits: 4, Mode: "mxfp4"}, {GroupSize: 32, Bits: 8, Mode: "mxfp8"}, {GroupSize: 16, Bits: 4, Mode: "nvfp4"},
		}
	}
	var all []nn.Quantisation
	for _, bits := range bitWidths {
		for _, size := range groupSizes {
			all = append(all, nn.Quantisation{GroupSize: size, Bits: bits, Mode: "affine"})
		}
	}
	return all
}

func alternatives(list []nn.Quantisation) (text string) {
	for i, q := range list {
		if i > 0 {
			text += " or "
		}
		text += fmt.Sprintf("%d bits in groups of %d", q.Bits, q.GroupSize)
	}
	return text
}

// globalTensor is a weight of mode "nvfp4" with a second scale, one or one for
// each expert: the largest absolute value that was packed.
type globalTensor struct {
	p      *packedTensor
	global storedTensor
}

// nvfp4Range is the largest number of that mode: 6 in four bits, 448 as a scale.
const nvfp4Range = 6 * 448

func (g *globalTensor) Shape() []int { return g.p.Shape() }

// Fit implements nn.Fitter.
func (g *globalTensor) Fit(in int) nn.Tensor {
	return &globalTensor{g.p.Fit(in).(*packedTensor), g.global}
}

// Check implements nn.Checker.
func (g *globalTensor) Check() error {
	if err := g.p.Check(); err != nil {
		return err
	}
	if g.p.q.Mode != "nvfp4" {
		return g.global.errorf("mode %q has no second scale", g.p.q.Mode)
	}
	if n := len(g.global.Shape); n > 0 {
		if lead := g.p.Shape(); n != 1 || len(lead) != 3 || g.global.Shape[0] != lead[0] {
			return g.global.errorf("shape %v does not fit a weight %v", g.global.Shape, lead)
		}
	}
	return g.global.wants(nil, floats...)
}

// Dense implements nn.Tensor.
func (g *globalTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	w, err := g.p.Dense(th, mlx.Float32)
	if err != nil {
		return w, err
	}
	scale, err := g.global.readAs(th, mlx.Float32)
	if err != nil {
		return mlx.Array{}, errors.Join(err, w.Close())
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array {
		w, scale := s.Own(w, nil), s.Own(scale, nil)
		scale = s.Divide(scale, s.Scalar(nvfp4Range, mlx.Float32))
		if len(g.global.Shape) > 0 {
			scale = s.Reshape(scale, -1, 1, 1) // [E, 1, 1]
		}
		return s.AsType(s.Multiply(w, scale), dtype)
	})
}
