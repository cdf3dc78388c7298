// Package initializer fills new parameters, as mlx.nn.init does:
//
//	w := initializer.HeNormal()(s, keys, []int{out, in}, mlx.Float32)
//
// The same seed and the same order of calls give the values of Python's
// mlx.nn.init after mx.random.seed: see [mlx.Keys].
package initializer

import (
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Func makes an array of a shape. One that needs chance takes a key, or two,
// from keys.
type Func func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array

// Constant fills with value.
func Constant(value float64) Func {
	return func(s *mlx.Scope, _ *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		return s.Full(shape, s.Scalar(value, dtype), dtype)
	}
}

// Zeros fills with 0.
func Zeros() Func { return Constant(0) }

// Ones fills with 1.
func Ones() Func { return Constant(1) }

// Normal draws from a normal distribution.
func Normal(mean, std float64) Func {
	return func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		return s.RandomNormal(shape, dtype, float32(mean), float32(std), keys.Next(s))
	}
}

// Uniform draws from [low, high).
func Uniform(low, high float64) Func {
	return func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		return s.RandomUniform(s.Scalar(low, mlx.Float32), s.Scalar(high, mlx.Float32), shape, dtype, keys.Next(s))
	}
}

// Identity makes a square matrix with ones on its diagonal.
func Identity() Func {
	return func(s *mlx.Scope, _ *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		if len(shape) != 2 || shape[0] != shape[1] {
			return refuse(s, "identity", "a square matrix", shape)
		}
		return s.Identity(shape[0], dtype)
	}
}

func refuse(s *mlx.Scope, name, want string, shape []int) mlx.Array {
	s.Fail(fmt.Errorf("initializer: %s: want %s, have shape %v", name, want, shape))
	return mlx.Array{}
}
