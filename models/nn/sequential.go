package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Activation is a function like ReLU or GELU.
type Activation func(s *mlx.Scope, x mlx.Array) mlx.Array

// Forward applies the function.
func (f Activation) Forward(s *mlx.Scope, x mlx.Array) mlx.Array { return f(s, x) }

// Unary is a layer of one input and one output.
type Unary interface {
	Forward(s *mlx.Scope, x mlx.Array) mlx.Array
}

// Sequential runs layers one after another; their weights are layers.0, layers.1
// and so on.
type Sequential struct {
	Layers []Unary `weight:"layers"`
}

// NewSequential makes one of pointers to layers, and of Activations.
func NewSequential(layers ...Unary) *Sequential { return &Sequential{layers} }

// Forward runs the layers.
func (q *Sequential) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	for _, l := range q.Layers {
		x = l.Forward(s, x)
	}
	return x
}

// Identity returns what it gets.
type Identity struct{}

// Forward returns x.
func (Identity) Forward(_ *mlx.Scope, x mlx.Array) mlx.Array { return x }
