package bindings_test

import (
	"runtime"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// kit is a test that calls MLX: pinned to its OS thread, with the CPU's stream,
// on which results do not depend on the machine.
type kit struct {
	testing.TB
	s bindings.Stream
}

// begin pins the test to its OS thread until it ends, and fails it when it ends
// with more open handles than there were.
func begin(t testing.TB) kit {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	handles.Check(t)
	s, err := bindings.NewDefaultCPUStream()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return kit{t, s}
}

// array takes the result of a call that may not fail; it is closed when the test
// ends.
func (k kit) array(a bindings.Array, err error) bindings.Array {
	k.Helper()
	require.NoError(k, err)
	require.False(k, a.IsNull())
	k.Cleanup(func() { require.NoError(k, a.Close()) })
	return a
}

// list is array for the operations that return several.
func (k kit) list(list []bindings.Array, err error) []bindings.Array {
	k.Helper()
	require.NoError(k, err)
	k.Cleanup(func() { require.NoError(k, bindings.CloseAll(list)) })
	return list
}

// floats makes an array; without a shape it is a vector.
func (k kit) floats(data []float32, shape ...int32) bindings.Array {
	k.Helper()
	return newArray(k, data, bindings.Float32, shape)
}

// ints makes an array; without a shape it is a vector.
func (k kit) ints(data []int32, shape ...int32) bindings.Array {
	k.Helper()
	return newArray(k, data, bindings.Int32, shape)
}

// some makes an array whose value does not matter: one, in float32.
func (k kit) some() array { return k.floats([]float32{1}) }

func newArray[T any](k kit, data []T, dtype bindings.Dtype, shape []int32) bindings.Array {
	k.Helper()
	if shape == nil {
		shape = []int32{int32(len(data))}
	}
	return k.array(bindings.NewArrayData(unsafe.Pointer(unsafe.SliceData(data)), shape, dtype))
}

// read evaluates a and returns its elements in row order.
func (k kit) read(a bindings.Array) []float32 {
	k.Helper()
	dense := k.array(bindings.Contiguous(a, false, k.s))
	require.NoError(k, dense.Eval())
	v, err := dense.DataFloat32()
	require.NoError(k, err)
	return v
}

// shape returns the shape of a.
func (k kit) shape(a bindings.Array) []int32 {
	k.Helper()
	shape, err := a.Shape()
	require.NoError(k, err)
	return shape
}

// second is the error of a call with a result.
func second[T any](_ T, err error) error { return err }

// fails requires an error of the bindings with this operation, a message that
// holds says, and this status.
func (k kit) fails(err error, op, says string, status int) {
	k.Helper()
	var e *bindings.Error
	require.ErrorAs(k, err, &e)
	require.Equal(k, op, e.Op)
	require.Contains(k, e.Message, says)
	require.Equal(k, status, e.Status, "%v", err)
}
