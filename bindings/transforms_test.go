package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// cube makes the closure x -> sum(x³), whose gradient is 3x². calls counts how
// often the Go function ran.
func (k kit) cube(calls *int) bindings.Closure {
	k.Helper()
	c, err := bindings.NewClosure(func(in []array) ([]array, error) {
		*calls++
		sq, err := bindings.Square(in[0], k.s)
		if err != nil {
			return nil, err
		}
		defer sq.Close()
		cube, err := bindings.Multiply(sq, in[0], k.s)
		if err != nil {
			return nil, err
		}
		defer cube.Close()
		return one(bindings.Sum(cube, false, k.s))
	})
	return k.closure(c, err)
}

// closure takes the result of a call that may not fail; it is closed when the
// test ends.
func (k kit) closure(c bindings.Closure, err error) bindings.Closure {
	k.Helper()
	require.NoError(k, err)
	k.Cleanup(func() { require.NoError(k, c.Close()) })
	return c
}

func TestValueAndGrad(t *testing.T) {
	k := begin(t)
	calls := 0
	f, err := bindings.ValueAndGrad(k.cube(&calls), []int32{0})
	require.NoError(t, err)
	defer f.Close()
	values, grads, err := f.Apply([]array{k.floats([]float32{1, -2})})
	k.list(values, err)
	k.list(grads, err)
	require.Equal(t, []float32{-7}, k.read(values[0]))
	require.Equal(t, []float32{3, 12}, k.read(grads[0]))
	require.Equal(t, 1, calls)

	_, _, err = f.Apply(nil)
	k.fails(err, "closure_value_and_grad_apply", "Invalid argument number for function with 0 inputs", 1)
	_, err = bindings.ValueAndGrad(bindings.Closure{}, []int32{0})
	k.fails(err, "value_and_grad", "non-empty mlx_closure", 1)
}

func TestVJPAndJVP(t *testing.T) {
	k := begin(t)
	calls := 0
	f, x := k.cube(&calls), k.floats([]float32{1, -2})
	// The cotangent 10 scales the gradient.
	out, grads, err := bindings.VJP(f, []array{x}, []array{k.array(bindings.NewArrayFloat(10))})
	k.list(out, err)
	k.list(grads, err)
	require.Equal(t, []float32{-7}, k.read(out[0]))
	require.Equal(t, []float32{30, 120}, k.read(grads[0]))
	// The tangent (1, 0.5) meets the gradient (3, 12).
	out, tangents, err := bindings.JVP(f, []array{x}, []array{k.floats([]float32{1, 0.5})})
	k.list(out, err)
	k.list(tangents, err)
	require.Equal(t, []float32{-7}, k.read(out[0]))
	require.Equal(t, []float32{9}, k.read(tangents[0]))

	_, _, err = bindings.VJP(f, []array{x}, nil)
	k.fails(err, "vjp", "does not match number of cotangents (0)", 1)
	_, _, err = bindings.JVP(f, []array{x}, []array{x, x})
	k.fails(err, "jvp", "Number of inputs does not match number of tangents", 1)
	_, _, err = bindings.JVP(f, []array{{}}, []array{x})
	k.fails(err, "jvp", "non-empty mlx_array", 1)
}

// An error inside a function that a transformation traces comes back whole.
func TestErrorsInsideTransforms(t *testing.T) {
	k := begin(t)
	bad := k.closure(bindings.NewClosure(func([]array) ([]array, error) { return nil, errBoom }))
	x := k.some()
	fails := func(op string, err error) {
		t.Helper()
		require.ErrorIs(t, err, errBoom)
		require.EqualError(t, err, "bindings: "+op+": boom")
	}
	_, _, err := bindings.VJP(bad, []array{x}, []array{x})
	fails("vjp", err)
	_, _, err = bindings.JVP(bad, []array{x}, []array{x})
	fails("jvp", err)
	_, _, err = bindings.DetailVmapTrace(bad, []array{x}, []int32{0})
	fails("detail_vmap_trace", err)
	for _, wrap := range []func(bindings.Closure) (bindings.Closure, error){
		bindings.Checkpoint,
		func(c bindings.Closure) (bindings.Closure, error) { return bindings.Compile(c, false) },
	} {
		_, err = k.closure(wrap(bad)).Apply([]array{x})
		fails("closure_apply", err)
	}
	grad, err := bindings.ValueAndGrad(bad, []int32{0})
	require.NoError(t, err)
	defer grad.Close()
	_, _, err = grad.Apply([]array{x})
	fails("closure_value_and_grad_apply", err)
}

func TestCheckpointRunsTheFunctionAgain(t *testing.T) {
	k := begin(t)
	calls := 0
	f := k.closure(bindings.Checkpoint(k.cube(&calls)))
	out, grads, err := bindings.VJP(f, []array{k.floats([]float32{1, -2})}, []array{k.array(bindings.NewArrayFloat(1))})
	k.list(out, err)
	k.list(grads, err)
	require.Equal(t, []float32{3, 12}, k.read(grads[0]))
	require.Equal(t, 2, calls)
}

// identity makes x -> x as a graph node of its own.
func (k kit) identity() bindings.Closure {
	return k.closure(bindings.NewClosure(func(in []array) ([]array, error) {
		return one(bindings.Positive(in[0], k.s))
	}))
}

// A gradient of one's own: seven times the cotangent.
func TestCustomVJP(t *testing.T) {
	k := begin(t)
	custom, err := bindings.NewClosureCustom(func(_, cotangents, _ []array) ([]array, error) {
		seven, err := bindings.NewArrayFloat(7)
		if err != nil {
			return nil, err
		}
		defer seven.Close()
		return one(bindings.Multiply(cotangents[0], seven, k.s))
	})
	require.NoError(t, err)
	defer custom.Close()
	f := k.closure(bindings.CustomVJP(k.identity(), custom))
	out, grads, err := bindings.VJP(f, []array{k.some()}, []array{k.floats([]float32{2})})
	k.list(out, err)
	k.list(grads, err)
	require.Equal(t, []float32{14}, k.read(grads[0]))
	_, err = bindings.CustomVJP(k.identity(), bindings.ClosureCustom{})
	k.fails(err, "custom_vjp", "non-empty mlx_closure_custom", 1)
}

func TestCustomFunctionWithJVPAndVmap(t *testing.T) {
	k := begin(t)
	jvp, err := bindings.NewClosureCustomJVP(func(_, tangents []array, argnums []int32) ([]array, error) {
		require.Equal(t, []int32{0}, argnums)
		return one(bindings.Negative(tangents[0], k.s))
	})
	require.NoError(t, err)
	defer jvp.Close()
	vmap, err := bindings.NewClosureCustomVmap(func(in []array, axes []int32) ([]array, []int32, error) {
		require.Equal(t, []int32{0}, axes)
		out, err := bindings.Square(in[0], k.s)
		return []array{out}, []int32{0}, err
	})
	require.NoError(t, err)
	defer vmap.Close()
	// What is not given is null, and MLX's own rule.
	f := k.closure(bindings.CustomFunction(k.identity(), bindings.ClosureCustom{}, jvp, vmap))

	out, tangents, err := bindings.JVP(f, []array{k.some()}, []array{k.floats([]float32{2})})
	k.list(out, err)
	k.list(tangents, err)
	require.Equal(t, []float32{-2}, k.read(tangents[0]))

	rows := k.floats([]float32{3, 4}, 2, 1)
	in, traced, err := bindings.DetailVmapTrace(f, []array{rows}, []int32{0})
	k.list(in, err)
	k.list(traced, err)
	mapped := k.list(bindings.DetailVmapReplace([]array{rows}, in, traced, []int32{0}, []int32{0}))
	require.Equal(t, []float32{9, 16}, k.read(mapped[0]))
	require.Equal(t, []int32{2, 1}, k.shape(mapped[0]))

	_, err = bindings.CustomFunction(bindings.Closure{}, bindings.ClosureCustom{}, jvp, vmap)
	k.fails(err, "custom_function", "non-empty mlx_closure", 1)
}

func TestVmapFailures(t *testing.T) {
	k := begin(t)
	x := k.floats([]float32{1, 2}, 2)
	_, _, err := bindings.DetailVmapTrace(k.identity(), []array{x, x}, []int32{0})
	k.fails(err, "detail_vmap_trace", "[vmap]", 1)
	_, err = bindings.DetailVmapReplace([]array{x}, []array{{}}, []array{x}, []int32{0}, []int32{0})
	k.fails(err, "detail_vmap_replace", "non-empty mlx_array", 1)
}

func TestEvalOfLists(t *testing.T) {
	k := begin(t)
	a, b := k.array(bindings.Add(k.some(), k.some(), k.s)), k.array(bindings.Square(k.some(), k.s))
	require.NoError(t, bindings.Eval([]array{a, b}))
	require.NoError(t, bindings.Eval(nil))
	for _, x := range []array{a, b} {
		ready, err := x.IsAvailable()
		require.NoError(t, err)
		require.True(t, ready)
	}
	k.fails(bindings.Eval([]array{a, {}}), "eval", "non-empty mlx_array", 1)
	k.fails(bindings.AsyncEval([]array{{}}), "async_eval", "non-empty mlx_array", 1)
}
