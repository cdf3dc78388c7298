package nn_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// checkpoint is nn.Weights of arrays in memory.
type checkpoint map[string]nn.Tensor

func (c checkpoint) Names() []string { return slices.Collect(maps.Keys(c)) }

func (c checkpoint) Tensor(name string) nn.Tensor { return c[name] }

// denseTensor is a tensor that was read already.
type denseTensor struct{ array mlx.Array }

func (d denseTensor) Shape() []int { return shapeOf(d.array) }

func (d denseTensor) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	return evaluated(t, func(s *mlx.Scope) mlx.Array { return s.AsType(d.array, dtype) })
}

// packedTensor is one of MLX's quantised weights.
type packedTensor struct{ p nn.Packed }

func (t packedTensor) Shape() []int {
	words := shapeOf(t.p.Weight)
	return []int{words[0], words[1] * 32 / t.p.Bits}
}

func (t packedTensor) Quantisation() nn.Quantisation { return t.p.Quantisation }

func (t packedTensor) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	as := func(a mlx.Array) (mlx.Array, error) {
		if t.p.Mode != "affine" { // scales of the other modes are no floats
			return a.Retain()
		}
		return denseTensor{a}.Dense(th, dtype)
	}
	out, errs := nn.Packed{Quantisation: t.p.Quantisation}, [3]error{}
	out.Weight, errs[0] = t.p.Weight.Retain()
	out.Scales, errs[1] = as(t.p.Scales)
	if !t.p.Biases.IsNull() {
		out.Biases, errs[2] = as(t.p.Biases)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nn.Packed{}, errors.Join(err, mlx.CloseAll(out.Weight, out.Scales, out.Biases))
	}
	return out, nil
}

func (t packedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	return evaluated(th, func(s *mlx.Scope) mlx.Array {
		return s.AsType(s.Dequantize(t.p.Weight, t.p.Scales, t.p.Biases, mlx.SomeInt(t.p.GroupSize), mlx.SomeInt(t.p.Bits),
			t.p.Mode, mlx.Array{}, mlx.OptionalDtype{}), dtype)
	})
}

func evaluated(t *mlx.Thread, fn func(s *mlx.Scope) mlx.Array) (mlx.Array, error) {
	a, err := t.Build(fn)
	if err != nil {
		return a, err
	}
	return a, t.Eval(a)
}

func shapeOf(a mlx.Array) (shape []int) {
	dims, err := a.Shape()
	if err != nil {
		panic(err)
	}
	for _, d := range dims {
		shape = append(shape, int(d))
	}
	return shape
}

// quantisations are those of the layers of testdata/layers.py.
var quantisations = map[string]nn.Quantisation{
	"q4": {GroupSize: 32, Bits: 4, Mode: "affine"}, "q4b": {GroupSize: 32, Bits: 4, Mode: "affine"},
	"q8": {GroupSize: 64, Bits: 8, Mode: "affine"}, "q5": {GroupSize: 32, Bits: 5, Mode: "affine"},
	"fp4": {GroupSize: 32, Bits: 4, Mode: "mxfp4"}, "packed": {GroupSize: 32, Bits: 4, Mode: "affine"},
	"packedfp4": {GroupSize: 32, Bits: 4, Mode: "mxfp4"},
}

// reference is a file of testdata on a worker's thread.
type reference struct {
	t      *testing.T
	th     *mlx.Thread
	arrays map[string]mlx.Array
	owner  *mlx.Owner // of what is loaded
}

// withReference runs f with testdata/layers.safetensors and requires that nothing
// stays open.
func withReference(t *testing.T, f func(r *reference)) {
	t.Helper()
	withReferenceOf(t, "layers", f)
}

// withReferenceOf is withReference of another file.
func withReferenceOf(t *testing.T, file string, f func(r *reference)) {
	t.Helper()
	leaktest.Check(t)
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		arrays, _, err := mlx.LoadSafetensors(th, filepath.Join("testdata", file+".safetensors"))
		if err != nil {
			return err
		}
		all := slices.Collect(maps.Values(arrays))
		defer func() { require.NoError(t, mlx.CloseAll(all...)) }()
		r := &reference{t: t, th: th, arrays: arrays, owner: th.NewOwner(file)}
		defer func() { require.NoError(t, r.owner.Close()) }()
		f(r)
		return nil
	}))
}

// checkpoint has the weights of layers under other names: "q_proj=plain" is layer
// plain as q_proj.
func (r *reference) checkpoint(layers ...string) checkpoint {
	c := checkpoint{}
	for _, l := range layers {
		as, layer, _ := strings.Cut(l, "=")
		weight := r.arrays[layer+".weight"]
		require.False(r.t, weight.IsNull(), "no layer %q", layer)
		c[as+".weight"] = denseTensor{weight}
		if q, packed := quantisations[layer]; packed {
			c[as+".weight"] = packedTensor{nn.Packed{Quantisation: q, Weight: weight,
				Scales: r.arrays[layer+".scales"], Biases: r.arrays[layer+".biases"]}}
		}
		if bias := r.arrays[layer+".bias"]; !bias.IsNull() {
			c[as+".bias"] = denseTensor{bias}
		}
	}
	return c
}

// load fills model with layers, as float32.
func (r *reference) load(model any, unpack bool, layers ...string) {
	r.t.Helper()
	policy := nn.Policy{Dtype: mlx.Float32, Unpack: unpack}
	require.NoError(r.t, nn.Load(context.Background(), r.th, model, r.checkpoint(layers...), policy, r.owner))
}

// requireOutput compares what fn makes of an input with the output of that name:
// the shape, the dtype, the values relative to the largest.
func (r *reference) requireOutput(name, input string, fn func(s *mlx.Scope, x mlx.Array) mlx.Array) {
	r.t.Helper()
	x, want := r.arrays["in."+input], r.arrays["out."+name]
	require.False(r.t, x.IsNull(), "no input "+input)
	require.False(r.t, want.IsNull(), "no output "+name)
	have, err := r.th.Build(func(s *mlx.Scope) mlx.Array { return fn(s, x) })
	require.NoError(r.t, err, name)
	defer have.Close()
	require.Equal(r.t, shapeOf(want), shapeOf(have), name)
	w, err := mlx.Values[float32](r.th, want)
	require.NoError(r.t, err)
	h, err := mlx.Values[float32](r.th, have)
	require.NoError(r.t, err, name)
	diff, size := 0.0, 0.0
	for i := range w {
		d := math.Abs(float64(w[i] - h[i]))
		require.False(r.t, math.IsNaN(d), "%s: element %d is %v", name, i, h[i])
		diff, size = max(diff, d), max(size, math.Abs(float64(w[i])))
	}
	require.LessOrEqual(r.t, diff, 1e-5*size, name)
	require.Positive(r.t, size, "%s: nothing but zeros", name)
}
