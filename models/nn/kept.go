package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Exact is a Tensor that knows which dtype holds, without loss, its numbers, or its
// scales and biases where it is packed: Float16, BFloat16 or Float32.
type Exact interface {
	Tensor
	ExactDtype() mlx.Dtype
}

// Keeps is the dtype in which the numbers of tensors that become one weight are
// kept: their own where our own kernels take it and all have the same, else Dtype.
func (p Policy) Keeps(tensors ...Tensor) mlx.Dtype {
	if !p.Kernels {
		return p.Dtype
	}
	kept := exactDtype(tensors[0])
	for _, t := range tensors {
		if exactDtype(t) != kept {
			return p.Dtype
		}
	}
	if kept != mlx.Float16 && kept != mlx.BFloat16 {
		return p.Dtype
	}
	return kept
}

// exactDtype is Float32 where the tensor does not know better.
func exactDtype(t Tensor) mlx.Dtype {
	if e, ok := t.(Exact); ok {
		return e.ExactDtype()
	}
	return mlx.Float32
}

// ExactDtype implements Exact: that of the parts, where all have the same.
func (t stackedTensor) ExactDtype() mlx.Dtype {
	kept := exactDtype(t.parts[0])
	for _, p := range t.parts {
		if exactDtype(p) != kept {
			return mlx.Float32
		}
	}
	return kept
}

// ExactDtype implements Exact.
func (a alternate) ExactDtype() mlx.Dtype { return exactDtype(a.whole) }
