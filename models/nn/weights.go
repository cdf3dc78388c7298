package nn

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Weights is where a model's tensors come from: a folder of safetensors, a
// GGUF file. Names are those of the Hugging Face checkpoint, without ".weight"
// for quantised tensors' parts: "model.layers.0.self_attn.q_proj.weight".
type Weights interface {
	// Names lists every tensor that the checkpoint holds.
	Names() []string
	// Tensor returns the tensor of that name, or nil when there is none.
	Tensor(name string) Tensor
}

// Tensor is one weight of a checkpoint, still in its file.
type Tensor interface {
	// Shape is the weight's shape once unpacked: [out, in] for a linear layer.
	Shape() []int
	// Dense reads the weight, unpacked where it is quantised, as dtype.
	Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error)
}

// Quantised is a Tensor that the checkpoint keeps packed.
type Quantised interface {
	Tensor
	// Quantisation says how, before anything is read.
	Quantisation() Quantisation
	// Packed reads the weight as it is, the scales and biases of mode "affine" as
	// dtype.
	Packed(t *mlx.Thread, dtype mlx.Dtype) (Packed, error)
}

// Checker is a Tensor that knows, before it is read, that it cannot be: it has a
// dtype that is no weight's, or parts that do not fit. The error names the file
// and the tensor.
type Checker interface {
	Tensor
	Check() error
}

// Fitter is a Tensor whose form depends on how many values a row of its layer
// has: one that is packed in a way that the checkpoint does not tell.
type Fitter interface {
	Tensor
	// Fit returns the tensor for rows of in values, 0 where the layer takes any.
	Fit(in int) Tensor
}

// Stored is a Tensor that knows what its numbers are stored as: the scales' dtype
// where it is packed.
type Stored interface {
	Tensor
	StoredDtype() mlx.Dtype
}

// StoredDtype is what the numbers of t are stored as, or those of the tensors
// that t is made of; BFloat16 where none of them knows.
func StoredDtype(t Tensor) mlx.Dtype {
	for {
		if st, ok := t.(Stored); ok {
			return st.StoredDtype()
		}
		made, ok := t.(interface{ source() Tensor })
		if !ok {
			return mlx.BFloat16
		}
		t = made.source()
	}
}

// Quantisation says how a weight is packed: groups of GroupSize values of Bits
// bits along the rows. The modes are MLX's: "affine", "mxfp4", "mxfp8", "nvfp4".
type Quantisation struct {
	GroupSize int
	Bits      int
	Mode      string
}

// Packed is a weight [..., out, in] in MLX's layout: each group shares a scale and
// a bias, w = scale*q + bias. See mlx.core.quantize.
type Packed struct {
	Quantisation
	Weight mlx.Array // uint32 [..., out, in*Bits/32]
	Scales mlx.Array // [..., out, in/GroupSize]; uint8 for modes other than "affine"
	Biases mlx.Array // as Scales; null for modes other than "affine"
}

// Policy says in which form weights are kept.
type Policy struct {
	// Dtype is the floating-point type of activations and of weights that are
	// not packed.
	Dtype mlx.Dtype
	// Unpack keeps quantised weights dense. That takes more memory and is
	// faster on CPUs, where MLX's quantised products are scalar code and dense
	// ones go to the BLAS (docs/benchmarks.md).
	Unpack bool
	// Trainable keeps every weight by itself and as the checkpoint has it, as a
	// parameter to differentiate by, assign and save, where inference joins and
	// transposes weights. Packed weights stay packed, and frozen, unless Unpack
	// is set.
	Trainable bool
	// Kernels keeps numbers as they are stored where our own kernels for a CPU
	// compute with them as they are: dense weights and packed ones' scales of 16
	// bits, beside activations of float32 (see Exact).
	Kernels bool
	// Rounded lets products of packed weights by our own kernels for a CPU round
	// activations to 16 bits (see Scope.CPUQuantizedMatmul), outside of functions
	// that are differentiated.
	Rounded bool
}
