package initializer

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// fan is how many numbers meet in one output, or leave one input.
type fan func(in, out float64) float64

// Option changes an initializer by fan.
type Option func(*scaling)

type scaling struct {
	name   string
	gain   float64
	spread float64 // the variance times the fan
	fan    fan
}

// Gain multiplies the deviation; the default is 1.
func Gain(g float64) Option { return func(c *scaling) { c.gain = g } }

// FanOut makes HeNormal and HeUniform count outputs instead of inputs.
func FanOut() Option {
	return func(c *scaling) { c.fan = func(_, out float64) float64 { return out } }
}

func fanIn(in, _ float64) float64 { return in }

func fanSum(in, out float64) float64 { return in + out }

// GlorotNormal draws with the deviation gain*sqrt(2/(in+out)). Glorot and
// Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html.
func GlorotNormal(opts ...Option) Func { return normal("glorot_normal", 2, fanSum, opts) }

// GlorotUniform draws from +-gain*sqrt(6/(in+out)), which has GlorotNormal's
// deviation.
func GlorotUniform(opts ...Option) Func { return uniform("glorot_uniform", 6, fanSum, opts) }

// HeNormal draws with the deviation gain/sqrt(in). He et al., 2015,
// https://arxiv.org/abs/1502.01852.
func HeNormal(opts ...Option) Func { return normal("he_normal", 1, fanIn, opts) }

// HeUniform draws from +-gain*sqrt(3/in), which has HeNormal's deviation.
func HeUniform(opts ...Option) Func { return uniform("he_uniform", 3, fanIn, opts) }

func normal(name string, spread float64, f fan, opts []Option) Func {
	return byFan(name, spread, f, opts, func(std float64) Func { return Normal(0, std) })
}

func uniform(name string, spread float64, f fan, opts []Option) Func {
	return byFan(name, spread, f, opts, func(limit float64) Func { return Uniform(-limit, limit) })
}

func byFan(name string, spread float64, f fan, opts []Option, draw func(size float64) Func) Func {
	c := scaling{name: name, gain: 1, spread: spread, fan: f}
	for _, o := range opts {
		o(&c)
	}
	return func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		if len(shape) < 2 {
			return refuse(s, c.name, "two dimensions or more", shape)
		}
		in, out := fans(shape)
		return draw(c.gain*math.Sqrt(c.spread/c.fan(in, out)))(s, keys, shape, dtype)
	}
}

// fans of a weight [out, ..., in]: what lies between is a receptive field.
func fans(shape []int) (in, out float64) {
	field, last := 1, len(shape)-1
	for _, d := range shape[1:last] {
		field *= d
	}
	return float64(shape[last] * field), float64(shape[0] * field)
}

// UniformFan draws from +-sqrt(1/in): what mlx.nn's layers begin with.
func UniformFan(in int) Func {
	limit := math.Sqrt(1 / float64(in))
	return Uniform(-limit, limit)
}
