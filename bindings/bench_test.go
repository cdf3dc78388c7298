package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// crossings are calls of each shape. Building a graph node or reading a scalar
// must allocate nothing on the Go side; a list costs its slice.
func crossings(k kit) map[string]func() error {
	a := k.floats([]float32{1, 2, 3, 4}, 2, 2)
	scalar := k.array(bindings.NewArrayFloat(1))
	shape := []int32{4}
	keep := func(a array, err error) error {
		if err != nil {
			return err
		}
		return a.Close()
	}
	return map[string]func() error{
		"add":     func() error { return keep(bindings.Add(a, a, k.s)) },
		"reshape": func() error { return keep(bindings.Reshape(a, shape, k.s)) },
		"sum":     func() error { return keep(bindings.SumAxis(a, -1, true, k.s)) },
		"norm":    func() error { return keep(bindings.RMSNorm(a, array{}, 1e-5, k.s)) },
		"string":  func() error { return keep(bindings.Pad(a, nil, nil, nil, scalar, "constant", k.s)) },
		"retain":  func() error { return keep(a.Retain()) },
		"ndim":    func() error { return second(a.Ndim()) },
		"dtype":   func() error { return second(a.Dtype()) },
		"item":    func() error { return second(scalar.ItemFloat32()) },
	}
}

// allocations counts what one call allocates, without the tracing that the leak
// check turns on.
func (k kit) allocations(f func() error) float64 {
	k.Helper()
	if instrumented {
		k.Skip("the instrumented build allocates too")
	}
	bindings.TraceHandles(false)
	defer bindings.TraceHandles(true)
	var err error
	n := testing.AllocsPerRun(1000, func() {
		if e := f(); e != nil {
			err = e
		}
	})
	require.NoError(k, err)
	return n
}

func TestCrossingsDoNotAllocate(t *testing.T) {
	k := begin(t)
	for name, call := range crossings(k) {
		require.Zero(t, k.allocations(call), name)
	}
}

// A shape costs its slice and a buffer, elements their slice, a list its slice
// and nothing for each array.
func TestAllocationsOfResults(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4}, 4)
	require.LessOrEqual(t, k.allocations(func() error { return second(a.Shape()) }), 2.0)
	require.LessOrEqual(t, k.allocations(func() error { return second(a.Strides()) }), 2.0)
	require.Equal(t, 1.0, k.allocations(func() error { return second(a.DataFloat32()) }))
	require.Equal(t, 1.0, k.allocations(func() error {
		parts, err := bindings.Split(a, 4, 0, k.s)
		if err != nil {
			return err
		}
		return bindings.CloseAll(parts)
	}))
}

// BenchmarkCrossing is a call of each shape, with the close of what it made.
func BenchmarkCrossing(b *testing.B) {
	k := begin(b)
	for name, call := range crossings(k) {
		b.Run(name, func(b *testing.B) {
			bindings.TraceHandles(false)
			defer bindings.TraceHandles(true)
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
