package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// MapTensors shows the tensors of w as change returns them, most of them as they
// are. See Derived.
func MapTensors(w Weights, change func(name string, t Tensor) Tensor) Weights {
	return changed{w, change}
}

type changed struct {
	Weights
	change func(name string, t Tensor) Tensor
}

// Tensor implements Weights.
func (c changed) Tensor(name string) Tensor {
	t := c.Weights.Tensor(name)
	if t == nil {
		return nil
	}
	return c.change(name, t)
}

// Derived is a tensor of a shape that fn makes of t when it is read, unpacked.
func Derived(t Tensor, shape []int, fn func(s *mlx.Scope, a mlx.Array) mlx.Array) Tensor {
	return derivedTensor{t, shape, fn}
}

type derivedTensor struct {
	from  Tensor
	shape []int
	fn    func(s *mlx.Scope, a mlx.Array) mlx.Array
}

func (d derivedTensor) source() Tensor { return d.from }

// Shape implements Tensor.
func (d derivedTensor) Shape() []int { return d.shape }

// Check implements Checker.
func (d derivedTensor) Check() error {
	if c, ok := d.from.(Checker); ok {
		return c.Check()
	}
	return nil
}

// Dense implements Tensor.
func (d derivedTensor) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	a, err := d.from.Dense(t, dtype)
	if err != nil {
		return a, err
	}
	defer closeAll([]mlx.Array{a})
	return t.Build(func(s *mlx.Scope) mlx.Array { return d.fn(s, a) })
}
