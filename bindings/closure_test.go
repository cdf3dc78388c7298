package bindings_test

import (
	"errors"
	"fmt"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

var errBoom = errors.New("boom")

// shape is one shape of closure: apply makes one, calls it and closes it. What it
// returns is twice its input; before that body may fail or panic.
type shape struct {
	name  string // as the errors name it
	apply func(k kit, x array, body func() error) ([]array, error)
}

var shapes = []shape{
	{"closure_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosure(func(in []array) ([]array, error) { return doubled(k, in, body) })
		require.NoError(k, err)
		defer c.Close()
		return c.Apply([]array{x, x})
	}},
	{"closure_kwargs_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosureKwargs(func(in []array, named map[string]array) ([]array, error) {
			require.Len(k, named, 2)
			return doubled(k, []array{named["b"], named["a"]}, body)
		})
		require.NoError(k, err)
		defer c.Close()
		return c.Apply([]array{x}, map[string]array{"a": x, "b": x})
	}},
	{"closure_value_and_grad_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosureValueAndGrad(func(in []array) (values, grads []array, err error) {
			values, err = doubled(k, in, body)
			return values, in, err // a callback may return its inputs
		})
		require.NoError(k, err)
		defer c.Close()
		values, grads, err := c.Apply([]array{x})
		if err == nil {
			require.Equal(k, k.read(x), k.read(grads[0]))
			require.NoError(k, bindings.CloseAll(grads))
		}
		return values, err
	}},
	{"closure_custom_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosureCustom(func(primals, cotangents, outputs []array) ([]array, error) {
			require.Equal(k, []int{1, 2, 3}, []int{len(primals), len(cotangents), len(outputs)})
			return doubled(k, primals, body)
		})
		require.NoError(k, err)
		defer c.Close()
		return c.Apply([]array{x}, []array{x, x}, []array{x, x, x})
	}},
	{"closure_custom_jvp_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosureCustomJVP(func(primals, tangents []array, argnums []int32) ([]array, error) {
			require.Equal(k, []int32{0, 3}, argnums)
			require.Equal(k, []int{1, 2}, []int{len(primals), len(tangents)})
			return doubled(k, primals, body)
		})
		require.NoError(k, err)
		defer c.Close()
		return c.Apply([]array{x}, []array{x, x}, []int32{0, 3})
	}},
	{"closure_custom_vmap_apply", func(k kit, x array, body func() error) ([]array, error) {
		c, err := bindings.NewClosureCustomVmap(func(in []array, axes []int32) ([]array, []int32, error) {
			require.Equal(k, []int32{-1, 1}, axes)
			out, err := doubled(k, in, body)
			return out, []int32{7}, err
		})
		require.NoError(k, err)
		defer c.Close()
		out, axes, err := c.Apply([]array{x, x}, []int32{-1, 1})
		if err == nil {
			require.Equal(k, []int32{7}, axes)
		}
		return out, err
	}},
}

func doubled(k kit, in []array, body func() error) ([]array, error) {
	if err := body(); err != nil {
		return nil, err
	}
	return one(bindings.Add(in[0], in[0], k.s))
}

func TestClosuresOfEveryShape(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			k := begin(t)
			x := k.floats([]float32{1, 2})
			calls := 0
			out := k.list(shape.apply(k, x, func() error { calls++; return nil }))
			require.Equal(t, 1, calls)
			require.Len(t, out, 1)
			require.Equal(t, []float32{2, 4}, k.read(out[0]))
		})
	}
}

// The caller's own error comes back, and no handle stays.
func TestErrorsInsideClosures(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			k := begin(t)
			wrapped := fmt.Errorf("layer 3: %w", errBoom)
			_, err := shape.apply(k, k.some(), func() error { return wrapped })
			require.ErrorIs(t, err, errBoom)
			k.fails(err, shape.name, "returned a non-zero value", 1)
			require.EqualError(t, err, "bindings: "+shape.name+": layer 3: boom")

			_, err = bindings.Square(array{}, k.s) // nothing of it stays behind
			k.fails(err, "square", "non-empty mlx_array", 1)
			require.NotErrorIs(t, err, errBoom)
		})
	}
}

func TestPanicsInsideClosures(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			k := begin(t)
			x := k.some()
			before := bindings.Live()
			_, err := shape.apply(k, x, func() error { panic("oh no") })
			require.Equal(t, before, bindings.Live(), "the inputs of a callback that panics are closed")
			var p *bindings.PanicError
			require.ErrorAs(t, err, &p)
			require.Equal(t, "oh no", p.Value)
			require.Contains(t, string(p.Stack), "closure_test.go", "where it panicked")
			require.EqualError(t, err, "bindings: "+shape.name+": panic in a callback: oh no")

			_, err = shape.apply(k, x, func() error { panic(errBoom) })
			require.ErrorIs(t, err, errBoom, "a panic with an error unwraps to it")
			require.Equal(t, before, bindings.Live())
		})
	}
}

func TestClosureSetAndNull(t *testing.T) {
	k := begin(t)
	x := k.some()
	two, err := bindings.NewClosure(func(in []array) ([]array, error) { return one(bindings.Add(in[0], in[0], k.s)) })
	require.NoError(t, err)
	defer two.Close()
	var same bindings.Closure
	require.NoError(t, same.Set(two))
	require.NoError(t, two.Close())
	out := k.list(same.Apply([]array{x}))
	require.Equal(t, []float32{2}, k.read(out[0]), "the function lives as long as a handle on it")
	require.NoError(t, same.Close())

	null, err := bindings.NewNullClosure()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	_, err = null.Apply([]array{x})
	k.fails(err, "closure_apply", "non-empty mlx_closure", 1)
	k.fails(same.Set(null), "closure_set", "non-empty mlx_closure", 1)
}

func TestClosureThatReturnsNull(t *testing.T) {
	k := begin(t)
	c, err := bindings.NewClosure(func(in []array) ([]array, error) { return []array{in[0], {}}, nil })
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Apply([]array{k.some()})
	require.ErrorContains(t, err, "a callback returned a null array")
	var e *bindings.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "closure_apply", e.Op)
}

// A callback may close its inputs, keep what it retains and return an input more
// than once.
func TestOwnershipInsideClosures(t *testing.T) {
	k := begin(t)
	x, y := k.floats([]float32{1}), k.floats([]float32{2})
	var kept array
	c, err := bindings.NewClosure(func(in []array) ([]array, error) {
		var err error
		if kept, err = in[1].Retain(); err != nil {
			return nil, err
		}
		return []array{in[0], in[0]}, in[1].Close()
	})
	require.NoError(t, err)
	defer c.Close()
	out := k.list(c.Apply([]array{x, y}))
	require.Equal(t, []float32{1}, k.read(out[0]))
	require.Equal(t, []float32{1}, k.read(out[1]))
	require.Equal(t, []float32{2}, k.read(kept))
	require.NoError(t, kept.Close())
	require.Equal(t, []float32{2}, k.read(y), "the caller's own handle stays")
}

func TestClosuresNest(t *testing.T) {
	k := begin(t)
	inner, err := bindings.NewClosure(func([]array) ([]array, error) { return nil, errBoom })
	require.NoError(t, err)
	defer inner.Close()
	recovers := true
	outer, err := bindings.NewClosure(func(in []array) ([]array, error) {
		_, err := inner.Apply(in)
		if !recovers {
			return nil, fmt.Errorf("outer: %w", err)
		}
		require.ErrorIs(t, err, errBoom)
		return one(bindings.Negative(in[0], k.s))
	})
	require.NoError(t, err)
	defer outer.Close()

	out := k.list(outer.Apply([]array{k.some()}))
	require.Equal(t, []float32{-1}, k.read(out[0]))
	recovers = false
	_, err = outer.Apply([]array{k.some()})
	require.ErrorIs(t, err, errBoom)
	require.EqualError(t, err, "bindings: closure_apply: outer: bindings: closure_apply: boom")
}

func TestClosureArguments(t *testing.T) {
	k := begin(t)
	calls := 0
	c, err := bindings.NewClosureKwargs(func([]array, map[string]array) ([]array, error) { calls++; return nil, nil })
	require.NoError(t, err)
	defer c.Close()
	out, err := c.Apply(nil, nil)
	require.NoError(t, err)
	require.Empty(t, out)
	require.Equal(t, 1, calls)
	_, err = c.Apply([]array{{}}, nil)
	k.fails(err, "closure_kwargs_apply", "non-empty mlx_array", 1)
	_, err = c.Apply(nil, map[string]array{"50\x00": k.some()})
	k.fails(err, "closure_kwargs_apply", "mlx-c cannot carry", 1)
	_, err = c.Apply(nil, map[string]array{"a": {}})
	k.fails(err, "closure_kwargs_apply", "non-empty mlx_array", 1)
	require.Equal(t, 1, calls)
}

// Null closures of each shape refuse, and a setter makes a second handle.
func TestNullClosuresOfEveryShape(t *testing.T) {
	k := begin(t)
	x := []array{k.some()}
	kwargs, err := bindings.NewNullClosureKwargs()
	require.NoError(t, err)
	_, err = kwargs.Apply(x, nil)
	k.fails(err, "closure_kwargs_apply", "non-empty mlx_closure_kwargs", 1)
	grad, err := bindings.NewNullClosureValueAndGrad()
	require.NoError(t, err)
	_, _, err = grad.Apply(x)
	k.fails(err, "closure_value_and_grad_apply", "non-empty mlx_closure_value_and_grad", 1)
	vjp, err := bindings.NewNullClosureCustom()
	require.NoError(t, err)
	_, err = vjp.Apply(x, x, x)
	k.fails(err, "closure_custom_apply", "non-empty mlx_closure_custom", 1)
	jvp, err := bindings.NewNullClosureCustomJVP()
	require.NoError(t, err)
	_, err = jvp.Apply(x, x, []int32{0})
	k.fails(err, "closure_custom_jvp_apply", "non-empty mlx_closure_custom_jvp", 1)
	vmap, err := bindings.NewNullClosureCustomVmap()
	require.NoError(t, err)
	_, _, err = vmap.Apply(x, []int32{0})
	k.fails(err, "closure_custom_vmap_apply", "non-empty mlx_closure_custom_vmap", 1)
}

func TestSetOfEveryShape(t *testing.T) {
	k := begin(t)
	x := []array{k.some()}
	kwargs, err := bindings.NewClosureKwargs(func(in []array, _ map[string]array) ([]array, error) { return in, nil })
	require.NoError(t, err)
	defer kwargs.Close()
	var kwargs2 bindings.ClosureKwargs
	require.NoError(t, kwargs2.Set(kwargs))
	defer kwargs2.Close()
	k.list(kwargs2.Apply(x, nil))

	grad, err := bindings.NewClosureValueAndGrad(func(in []array) (values, grads []array, err error) {
		return in, nil, nil
	})
	require.NoError(t, err)
	defer grad.Close()
	var grad2 bindings.ClosureValueAndGrad
	require.NoError(t, grad2.Set(grad))
	defer grad2.Close()
	values, grads, err := grad2.Apply(x)
	k.list(values, err)
	require.Empty(t, grads)

	vjp, err := bindings.NewClosureCustom(func(_, _, outputs []array) ([]array, error) { return outputs, nil })
	require.NoError(t, err)
	defer vjp.Close()
	var vjp2 bindings.ClosureCustom
	require.NoError(t, vjp2.Set(vjp))
	defer vjp2.Close()
	k.list(vjp2.Apply(x, x, x))

	jvp, err := bindings.NewClosureCustomJVP(func(_, tangents []array, _ []int32) ([]array, error) {
		return tangents, nil
	})
	require.NoError(t, err)
	defer jvp.Close()
	var jvp2 bindings.ClosureCustomJVP
	require.NoError(t, jvp2.Set(jvp))
	defer jvp2.Close()
	k.list(jvp2.Apply(x, x, []int32{0}))

	vmap, err := bindings.NewClosureCustomVmap(func(in []array, axes []int32) ([]array, []int32, error) {
		return in, axes, nil
	})
	require.NoError(t, err)
	defer vmap.Close()
	var vmap2 bindings.ClosureCustomVmap
	require.NoError(t, vmap2.Set(vmap))
	defer vmap2.Close()
	out, axes, err := vmap2.Apply(x, []int32{-1})
	k.list(out, err)
	require.Equal(t, []int32{-1}, axes)
}
