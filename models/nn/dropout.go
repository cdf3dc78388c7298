package nn

import (
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Dropout sets the fraction P of a layer's values to zero while it is trained,
// and scales the others by 1/(1-P). Srivastava et al., 2014,
// https://jmlr.org/papers/v15/srivastava14a.html.
type Dropout struct{ P float64 }

// Forward drops values of x by a key of keys; where keys is nil the model is not
// being trained, and x stays as it is.
func (d Dropout) Forward(s *mlx.Scope, x mlx.Array, keys *mlx.Keys) mlx.Array {
	return drop(s, x, d.P, keys, 0)
}

// Dropout2d is Dropout of whole channels of an image [H, W, D], or of each of a
// batch [N, H, W, D].
type Dropout2d struct{ P float64 }

// Forward is as that of Dropout.
func (d Dropout2d) Forward(s *mlx.Scope, x mlx.Array, keys *mlx.Keys) mlx.Array {
	if !wantDims(s, "Dropout2d", s.Shape(x), 3, 4) {
		return mlx.Array{}
	}
	return drop(s, x, d.P, keys, 2)
}

// drop drops values, or what shares a key along the axes before the last.
func drop(s *mlx.Scope, x mlx.Array, p float64, keys *mlx.Keys, shared int) mlx.Array {
	if !(p >= 0 && p < 1) {
		s.Fail(fmt.Errorf("nn: dropout: %v is not in [0, 1)", p))
	}
	if s.Err() != nil {
		return mlx.Array{}
	}
	if p == 0 || keys == nil {
		return x
	}
	shape := s.Shape(x)
	for i := range shared {
		shape[len(shape)-2-i] = 1
	}
	mask := s.RandomBernoulli(s.Scalar(1-p, mlx.Float32), shape, keys.Next(s))
	return times(s, 1/(1-p), s.Multiply(mask, x))
}
