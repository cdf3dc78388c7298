// Package reftest compares functions of arrays and their gradients with what a
// script of Python's mlx dumped. A file of safetensors holds for each case its
// inputs CASE/in.0, CASE/in.1, ..., the output CASE/out, the cotangent CASE/cot,
// ones where it is not there, and the gradients of sum(out * cot) by the inputs,
// CASE/gin.0, ..., and by parameters, CASE/g.NAME.
package reftest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Tolerance is the largest difference, relative to the largest value. Rounding is
// what is left of a gradient that is zero in mathematics.
const (
	Tolerance = 2e-5
	Rounding  = 1e-6
)

// Reference is a file on a Worker's thread.
type Reference struct {
	T      testing.TB
	Thread *mlx.Thread
	Arrays map[string]mlx.Array
}

// Func is a function under test.
type Func func(s *mlx.Scope, in []mlx.Array) mlx.Array

// Do runs f with the reference at path, and requires that nothing stays open.
func Do(t testing.TB, path string, f func(r *Reference)) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, _, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		all := slices.Collect(maps.Values(arrays))
		defer func() { require.NoError(t, mlx.CloseAll(all...)) }()
		require.NoError(t, th.Eval(all...))
		f(&Reference{t, th, arrays})
	})
}

// Cases lists the cases that have an output and whose names begin with prefix.
func (r *Reference) Cases(prefix string) []string {
	var out []string
	for name := range r.Arrays {
		if c, ok := strings.CutSuffix(name, "/out"); ok && strings.HasPrefix(c, prefix) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

// Inputs lists the inputs of a case.
func (r *Reference) Inputs(name string) []mlx.Array {
	var in []mlx.Array
	for {
		a, ok := r.Arrays[fmt.Sprintf("%s/in.%d", name, len(in))]
		if !ok {
			return in
		}
		in = append(in, a)
	}
}

// Named lists the arrays whose names begin with prefix, without it.
func (r *Reference) Named(prefix string) map[string]mlx.Array {
	out := map[string]mlx.Array{}
	for name, a := range r.Arrays {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = a
		}
	}
	return out
}

// RequireGradients compares f and its gradients by the inputs with those of a
// case.
func (r *Reference) RequireGradients(name string, f Func) {
	r.T.Helper()
	in := r.Inputs(name)
	require.NotEmpty(r.T, in, name)
	r.Require(name+"/out", func(s *mlx.Scope) mlx.Array { return f(s, in) })
	var by []int
	for i := range in {
		if _, ok := r.Arrays[fmt.Sprintf("%s/gin.%d", name, i)]; ok {
			by = append(by, i)
		}
	}
	if by == nil {
		return
	}
	grads, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
		loss := func(s *mlx.Scope, in []mlx.Array) []mlx.Array { return []mlx.Array{r.Loss(s, name, f(s, in))} }
		return mlx.Grad(loss, by...)(s, in)
	})
	require.NoError(r.T, err, name)
	defer func() { require.NoError(r.T, mlx.CloseAll(grads...)) }()
	for i, g := range grads {
		r.RequireClose(fmt.Sprintf("%s/gin.%d", name, by[i]), g)
	}
}

// Loss is the sum of y times the cotangent of a case.
func (r *Reference) Loss(s *mlx.Scope, name string, y mlx.Array) mlx.Array {
	if cot, ok := r.Arrays[name+"/cot"]; ok {
		y = s.Multiply(y, cot)
	}
	return s.Sum(y, false)
}

// Require builds an array and compares it with the one of that name.
func (r *Reference) Require(name string, fn func(s *mlx.Scope) mlx.Array) {
	r.T.Helper()
	have, err := r.Thread.Build(fn)
	require.NoError(r.T, err, name)
	defer have.Close()
	r.RequireClose(name, have)
}

// RequireClose compares an array with the one of that name: shape, dtype and
// values, those of integers exactly.
func (r *Reference) RequireClose(name string, have mlx.Array) {
	r.T.Helper()
	want, ok := r.Arrays[name]
	require.True(r.T, ok, "no array %q", name)
	wantShape, err := want.Shape()
	require.NoError(r.T, err)
	haveShape, err := have.Shape()
	require.NoError(r.T, err)
	require.Equal(r.T, wantShape, haveShape, name)
	wantDtype, err := want.Dtype()
	require.NoError(r.T, err)
	haveDtype, err := have.Dtype()
	require.NoError(r.T, err)
	require.Equal(r.T, wantDtype, haveDtype, name)
	if wantDtype != mlx.Float32 {
		r.requireEqual(name, want, have)
		return
	}
	w, err := mlx.Values[float32](r.Thread, want)
	require.NoError(r.T, err, name)
	h, err := mlx.Values[float32](r.Thread, have)
	require.NoError(r.T, err, name)
	diff, size := 0.0, 0.0
	for i := range w {
		d := math.Abs(float64(w[i]) - float64(h[i]))
		require.False(r.T, math.IsNaN(d), "%s: element %d is %v, want %v", name, i, h[i], w[i])
		diff, size = max(diff, d), max(size, math.Abs(float64(w[i])))
	}
	require.LessOrEqual(r.T, diff, Tolerance*size+Rounding, name)
}

func (r *Reference) requireEqual(name string, want, have mlx.Array) {
	r.T.Helper()
	same, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array { return s.ArrayEqual(want, have, false) })
	require.NoError(r.T, err)
	defer same.Close()
	equal, err := mlx.Item[bool](r.Thread, same)
	require.NoError(r.T, err)
	require.True(r.T, equal, name)
}
