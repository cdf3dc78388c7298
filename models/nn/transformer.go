package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// TransformerOption changes a transformer's layers.
type TransformerOption func(*TransformerEncoderLayer)

// WithMLPDims sets the width between the linear layers; the default is four times
// the model's.
func WithMLPDims(n int) TransformerOption {
	return func(l *TransformerEncoderLayer) { l.Linear1.Out, l.Linear2.In = n, n }
}

// WithDropout drops the fraction p while training; the default is 0.
func WithDropout(p float64) TransformerOption {
	return func(l *TransformerEncoderLayer) { l.Dropout = Dropout{p} }
}

// WithActivation sets the function between the linear layers; the default is
// ReLU.
func WithActivation(f Activation) TransformerOption {
	return func(l *TransformerEncoderLayer) { l.Activation = f }
}

// WithNormLast normalises after each part, as the paper has it, instead of
// before.
func WithNormLast() TransformerOption {
	return func(l *TransformerEncoderLayer) { l.NormLast = true }
}

// TransformerEncoderLayer is attention and an MLP, each beside a residual.
type TransformerEncoderLayer struct {
	Attention  MultiHeadAttention `weight:"attention"`
	Ln1        LayerNorm          `weight:"ln1"`
	Ln2        LayerNorm          `weight:"ln2"`
	Linear1    Linear             `weight:"linear1"`
	Linear2    Linear             `weight:"linear2"`
	Dropout    Dropout
	Activation Activation
	NormLast   bool
}

// NewTransformerEncoderLayer makes a layer of a model dims wide.
func NewTransformerEncoderLayer(dims, heads int, opts ...TransformerOption) *TransformerEncoderLayer {
	l := &TransformerEncoderLayer{
		Attention: NewMultiHeadAttention(dims, heads),
		Ln1:       LayerNorm{Dims: dims}, Ln2: LayerNorm{Dims: dims},
		Linear1: Linear{In: dims, Out: 4 * dims}, Linear2: Linear{In: 4 * dims, Out: dims},
		Activation: ReLU,
	}
	for _, o := range opts {
		o(l)
	}
	return l
}

// Forward maps x [B, L, D] to [B, L, D]; keys are nil unless it is trained.
func (l *TransformerEncoderLayer) Forward(s *mlx.Scope, x mlx.Array, mask Mask, keys *mlx.Keys) mlx.Array {
	attend := func(x mlx.Array) mlx.Array {
		return l.Dropout.Forward(s, l.Attention.Forward(s, x, x, x, mask), keys)
	}
	mlp := func(x mlx.Array) mlx.Array {
		y := l.Activation(s, l.Linear1.Forward(s, x))
		return l.Linear2.Forward(s, l.Dropout.Forward(s, y, keys))
	}
	if l.NormLast {
		x = l.Ln1.Forward(s, s.Add(x, attend(x)))
		return l.Ln2.Forward(s, s.Add(x, mlp(x)))
	}
	x = s.Add(x, attend(l.Ln1.Forward(s, x)))
	return s.Add(x, mlp(l.Ln2.Forward(s, x)))
}

// TransformerEncoder is layers and a norm.
type TransformerEncoder struct {
	Layers []*TransformerEncoderLayer `weight:"layers"`
	Ln     LayerNorm                  `weight:"ln"`
}

// NewTransformerEncoder makes an encoder of n layers.
func NewTransformerEncoder(n, dims, heads int, opts ...TransformerOption) *TransformerEncoder {
	e := &TransformerEncoder{Ln: LayerNorm{Dims: dims}}
	for range n {
		e.Layers = append(e.Layers, NewTransformerEncoderLayer(dims, heads, opts...))
	}
	return e
}

// Forward maps x [B, L, D] to [B, L, D]; keys are nil unless it is trained.
func (e *TransformerEncoder) Forward(s *mlx.Scope, x mlx.Array, mask Mask, keys *mlx.Keys) mlx.Array {
	for _, l := range e.Layers {
		x = l.Forward(s, x, mask, keys)
	}
	return e.Ln.Forward(s, x)
}
