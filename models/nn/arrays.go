package nn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Arrays is Weights in memory: what a file held, or what was made in Go. Load
// copies or retains them; they stay the caller's to close.
type Arrays struct {
	Named map[string]mlx.Array
	// Quantisation tells how weights with scales are packed.
	Quantisation Quantisation
}

// Names implements Weights: scales and biases are part of a packed weight.
func (a Arrays) Names() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.Named)) {
		base, scales := strings.CutSuffix(name, ".scales")
		if !scales {
			base, scales = strings.CutSuffix(name, ".biases")
		}
		if !scales || a.Named[base+".scales"].IsNull() || a.Named[base+".weight"].IsNull() {
			names = append(names, name)
		}
	}
	return names
}

// Tensor implements Weights.
func (a Arrays) Tensor(name string) Tensor {
	array, ok := a.Named[name]
	if !ok || array.IsNull() {
		return nil
	}
	dense := arrayTensor{name, array}
	base, weight := strings.CutSuffix(name, ".weight")
	scales := a.Named[base+".scales"]
	if !weight || scales.IsNull() {
		return dense
	}
	return packedArrays{dense, a.Quantisation, scales, a.Named[base+".biases"]}
}

// arrayTensor is a Tensor in memory.
type arrayTensor struct {
	name  string
	array mlx.Array
}

// Shape implements Tensor.
func (t arrayTensor) Shape() []int {
	dims, err := t.array.Shape()
	if err != nil {
		return nil
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		shape[i] = int(d)
	}
	return shape
}

// Dense implements Tensor.
func (t arrayTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	return th.Build(func(s *mlx.Scope) mlx.Array { return s.AsType(t.array, dtype) })
}

// packedArrays is a Quantised in memory.
type packedArrays struct {
	arrayTensor
	q              Quantisation
	scales, biases mlx.Array
}

// Quantisation implements Quantised.
func (t packedArrays) Quantisation() Quantisation { return t.q }

// Check implements Checker.
func (t packedArrays) Check() error {
	if t.q.Bits == 0 {
		return fmt.Errorf("%s is packed, and its quantisation is not given", t.name)
	}
	return nil
}

// Shape is that of the weight once unpacked.
func (t packedArrays) Shape() []int {
	shape := t.arrayTensor.Shape()
	if n := len(shape); n > 0 && t.q.Bits > 0 {
		shape[n-1] = shape[n-1] * 32 / t.q.Bits
	}
	return shape
}

// Packed implements Quantised. Scales of modes without biases are no floats and
// stay as they are.
func (t packedArrays) Packed(th *mlx.Thread, dtype mlx.Dtype) (Packed, error) {
	if err := t.Check(); err != nil {
		return Packed{}, err
	}
	parts, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		if t.biases.IsNull() {
			return []mlx.Array{t.array, t.scales}
		}
		return []mlx.Array{t.array, s.AsType(t.scales, dtype), s.AsType(t.biases, dtype)}
	})
	if err != nil {
		return Packed{}, err
	}
	p := Packed{Quantisation: t.q, Weight: parts[0], Scales: parts[1]}
	if len(parts) == 3 {
		p.Biases = parts[2]
	}
	return p, nil
}

// Dense unpacks.
func (t packedArrays) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	if err := t.Check(); err != nil {
		return mlx.Array{}, err
	}
	return th.Build(func(s *mlx.Scope) mlx.Array {
		return s.Dequantize(t.array, t.scales, t.biases, mlx.SomeInt(t.q.GroupSize), mlx.SomeInt(t.q.Bits), t.q.Mode,
			mlx.Array{}, mlx.SomeDtype(dtype))
	})
}
