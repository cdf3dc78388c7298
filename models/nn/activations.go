package nn

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The activations of mlx.nn: they keep the shape and the dtype of x, unless they
// say otherwise.

// number is the key of a number that layers share.
type number struct {
	value float64
	dtype mlx.Dtype
}

// num is a number of x's dtype, made once in a Build.
func num(s *mlx.Scope, v float64, x mlx.Array) mlx.Array {
	dtype := s.DtypeOf(x)
	made := s.Once(number{v, dtype}, func() []mlx.Array { return []mlx.Array{s.Scalar(v, dtype)} })
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}

// times is v*x.
func times(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return s.Multiply(num(s, v, x), x) }

// Times is v*x, v a number in the dtype of x.
func Times(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return times(s, v, x) }

// plus is v+x.
func plus(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return s.Add(num(s, v, x), x) }

// ReLU is max(x, 0).
func ReLU(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Maximum(x, num(s, 0, x)) }

// ReLU2 is the square of ReLU.
func ReLU2(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Square(ReLU(s, x)) }

// ReLU6 is ReLU, at most 6.
func ReLU6(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Minimum(ReLU(s, x), num(s, 6, x)) }

// LeakyReLU is max(slope*x, x); mlx.nn's slope is 0.01.
func LeakyReLU(s *mlx.Scope, x mlx.Array, slope float64) mlx.Array {
	return s.Maximum(times(s, slope, x), x)
}

// PReLU is x where x is positive, alpha*x elsewhere. See the layer [PReLULayer].
func PReLU(s *mlx.Scope, x, alpha mlx.Array) mlx.Array {
	zero := num(s, 0, x)
	return s.Add(s.Maximum(zero, x), s.Multiply(alpha, s.Minimum(zero, x)))
}

// ELU is x where x is positive, alpha*(exp(x)-1) elsewhere; mlx.nn's alpha is 1.
func ELU(s *mlx.Scope, x mlx.Array, alpha float64) mlx.Array {
	return s.Where(s.Greater(x, num(s, 0, x)), x, times(s, alpha, plus(s, -1, s.Exp(x))))
}

// CELU is ReLU plus alpha*(exp(min(x,0)/alpha)-1); mlx.nn's alpha is 1.
func CELU(s *mlx.Scope, x mlx.Array, alpha float64) mlx.Array {
	below := s.Divide(s.Minimum(x, num(s, 0, x)), num(s, alpha, x))
	return s.Add(ReLU(s, x), times(s, alpha, plus(s, -1, s.Exp(below))))
}

// SELU is ELU with the constants that keep mean and variance. Klambauer et al.,
// 2017, https://arxiv.org/abs/1706.02515.
func SELU(s *mlx.Scope, x mlx.Array) mlx.Array { return times(s, 1.0507, ELU(s, x, 1.67326)) }

// SiLU is x*sigmoid(x), also called swish.
func SiLU(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Multiply(x, s.Sigmoid(x)) }

// GELU is x times the normal distribution function of x. Hendrycks and Gimpel,
// 2016, https://arxiv.org/abs/1606.08415.
func GELU(s *mlx.Scope, x mlx.Array) mlx.Array {
	erf := s.Erf(s.Divide(x, num(s, math.Sqrt2, x)))
	return s.Divide(s.Multiply(x, plus(s, 1, erf)), num(s, 2, x))
}

// GELUApprox is GELU by a tanh.
func GELUApprox(s *mlx.Scope, x mlx.Array) mlx.Array {
	cube := s.Multiply(s.Square(x), x) // a power takes as long as the tanh on a CPU
	inner := times(s, math.Sqrt(2/math.Pi), s.Add(x, times(s, 0.044715, cube)))
	return s.Multiply(times(s, 0.5, x), plus(s, 1, s.Tanh(inner)))
}

// GELUFastApprox is GELU by a sigmoid.
func GELUFastApprox(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.Multiply(x, s.Sigmoid(times(s, 1.702, x)))
}

// GLU splits x in two along axis and gates the first half by the second: [..., 2D]
// becomes [..., D]. Dauphin et al., 2016, https://arxiv.org/abs/1612.08083.
func GLU(s *mlx.Scope, x mlx.Array, axis int) mlx.Array {
	a, b := Two(s.Split(x, 2, axis))
	return s.Multiply(a, s.Sigmoid(b))
}

// Mish is x*tanh(softplus(x)). Misra, 2019, https://arxiv.org/abs/1908.08681.
func Mish(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Multiply(x, s.Tanh(Softplus(s, x))) }

// Hardswish is x*min(max(x+3, 0), 6)/6. Howard et al., 2019,
// https://arxiv.org/abs/1905.02244.
func Hardswish(s *mlx.Scope, x mlx.Array) mlx.Array {
	gate := ReLU6(s, plus(s, 3, x))
	return s.Divide(s.Multiply(x, gate), num(s, 6, x))
}

// Softplus is log(1+exp(x)).
func Softplus(s *mlx.Scope, x mlx.Array) mlx.Array { return s.LogAddExp(x, num(s, 0, x)) }

// Softsign is x/(1+|x|).
func Softsign(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Divide(x, plus(s, 1, s.Abs(x))) }

// Softshrink moves x by lambda towards 0, where it stops; mlx.nn's lambda is 0.5.
func Softshrink(s *mlx.Scope, x mlx.Array, lambda float64) mlx.Array {
	far := s.Greater(s.Abs(x), num(s, lambda, x))
	return s.Where(far, s.Subtract(x, times(s, lambda, s.Sign(x))), num(s, 0, x))
}

// HardShrink is x, or 0 where |x| is at most lambda; mlx.nn's lambda is 0.5.
func HardShrink(s *mlx.Scope, x mlx.Array, lambda float64) mlx.Array {
	return s.Where(s.Greater(s.Abs(x), num(s, lambda, x)), x, num(s, 0, x))
}

// HardTanh cuts x at low and high; mlx.nn's are -1 and 1.
func HardTanh(s *mlx.Scope, x mlx.Array, low, high float64) mlx.Array {
	return s.Minimum(s.Maximum(x, num(s, low, x)), num(s, high, x))
}

// Step is 1 where x is at least threshold, 0 elsewhere, as int32; mlx.nn's
// threshold is 0.
func Step(s *mlx.Scope, x mlx.Array, threshold float64) mlx.Array {
	at := s.GreaterEqual(x, num(s, threshold, x))
	return s.Where(at, s.Scalar(1, mlx.Int32), s.Scalar(0, mlx.Int32))
}

// LogSigmoid is log(sigmoid(x)).
func LogSigmoid(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.Negative(Softplus(s, s.Negative(x)))
}

// LogSoftmax is log(softmax(x)) along axis; mlx.nn's axis is -1.
func LogSoftmax(s *mlx.Scope, x mlx.Array, axis int) mlx.Array {
	x = s.Subtract(x, s.StopGradient(s.MaxAxis(x, axis, true)))
	return s.Subtract(x, s.LogSumExpAxis(x, axis, true))
}

// Softmin is softmax(-x) along axis; mlx.nn's axis is -1.
func Softmin(s *mlx.Scope, x mlx.Array, axis int) mlx.Array {
	return s.SoftmaxAxis(s.Negative(x), axis, false)
}
