package bindings_test

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

const cycles = 10_000

// Ten thousand times the same work leaves as many handles as once.
func TestHandlesStayFlat(t *testing.T) {
	k := begin(t)
	bindings.TraceHandles(false)
	defer bindings.TraceHandles(true)
	a := k.floats([]float32{1, 2, 3, 4}, 4)
	grad := k.cubeGrad()
	work := map[string]func() error{
		"op": func() error {
			b, err := bindings.Add(a, a, k.s)
			if err != nil {
				return err
			}
			return b.Close()
		},
		"list": func() error {
			parts, err := bindings.Split(a, 4, 0, k.s)
			if err != nil {
				return err
			}
			return bindings.CloseAll(parts)
		},
		"failure": func() error {
			if _, err := bindings.Reshape(a, []int32{3}, k.s); err == nil {
				return errBoom
			}
			if _, err := bindings.Split(a, 3, 0, k.s); err == nil {
				return errBoom
			}
			return nil
		},
		"closure": func() error {
			values, grads, err := grad.Apply([]array{a})
			if err != nil {
				return err
			}
			return bindings.CloseAll(append(values, grads...))
		},
	}
	for name, f := range work {
		before := bindings.Live()
		for range cycles {
			if err := f(); err != nil {
				require.NoError(t, err, name)
			}
		}
		require.Equal(t, before, bindings.Live(), name)
	}
}

// cubeGrad is the gradient of cube.
func (k kit) cubeGrad() bindings.ClosureValueAndGrad {
	k.Helper()
	calls := 0
	grad, err := bindings.ValueAndGrad(k.cube(&calls), []int32{0})
	require.NoError(k, err)
	k.Cleanup(func() { require.NoError(k, grad.Close()) })
	return grad
}

// resident is the memory that the process occupies, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// What C allocates on the way to a result or an error is freed: a leak of 16
// bytes a call would show.
func TestMemoryStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	k := begin(t)
	bindings.TraceHandles(false)
	defer bindings.TraceHandles(true)
	a := k.floats([]float32{1, 2, 3, 4}, 4)
	fail := k.closure(bindings.NewClosure(func([]array) ([]array, error) { return nil, errBoom }))
	work := map[string]func(){
		"add": func() {
			b, err := bindings.Add(a, a, k.s)
			require.NoError(t, err)
			_ = b.Close()
		},
		"failing op":      func() { _, _ = bindings.Reshape(a, []int32{3}, k.s) },
		"failing list":    func() { _, _ = bindings.Split(a, 3, 0, k.s) },
		"failing closure": func() { _, _ = fail.Apply([]array{a}) },
		"shape":           func() { _, _ = a.Shape() },
		"text":            func() { _, _ = a.ToString() },
	}
	for name, f := range work {
		measure := func(n int) int {
			for range n {
				f()
			}
			runtime.GC()
			debug.FreeOSMemory()
			return resident(t)
		}
		// Go's heap and malloc's arenas grow once; a leak grows each time.
		before, least := measure(2000), math.MaxInt
		for try := 0; try < 3 && least >= 16*10*cycles; try++ {
			after := measure(10 * cycles)
			least, before = min(least, after-before), after
		}
		require.Less(t, least, 16*10*cycles, name)
	}
}
