package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Param is one array of a model, in the layout of its checkpoint. Layers of
// one's own hold theirs as tagged fields:
//
//	type scale struct {
//		Gain nn.Param `weight:"gain"` // nn.Param{Shape: []int{64}, Init: initializer.Ones()}
//	}
type Param struct {
	Shape   []int            // for Init; Load refuses another
	Init    initializer.Func // nil fills with zeros
	Float32 bool             // kept as float32, whatever the dtype of the other weights

	slot   *mlx.Array
	frozen bool
}

// Array is the value, null before Init or Load. Inside of a ValueAndGrad it is
// the one that the gradient is taken by. It belongs to the model's owner.
func (p *Param) Array() mlx.Array {
	if p == nil || p.slot == nil {
		return mlx.Array{}
	}
	return *p.slot
}

// keep makes a the value. A place that lives is used again, and its old value
// freed.
func (p *Param) keep(o *mlx.Owner, a mlx.Array) {
	if old := p.Array(); !old.IsNull() {
		*p.slot = a
		closeAll([]mlx.Array{old})
		return
	}
	p.slot = o.Slot(a)
}

// drop frees the value.
func (p *Param) drop() {
	if a := p.Array(); !a.IsNull() {
		*p.slot = mlx.Array{}
		closeAll([]mlx.Array{a})
	}
}

func (p *Param) params(names []string) []spec {
	init := p.Init
	if init == nil {
		init = initializer.Zeros()
	}
	return []spec{{name: names[0], param: p, shape: p.Shape, init: init, float32: p.Float32}}
}
