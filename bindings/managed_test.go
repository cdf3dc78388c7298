package bindings_test

import (
	"syscall"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// foreign is memory that Go does not manage.
func foreign(t *testing.T, data []float32) unsafe.Pointer {
	t.Helper()
	page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(page)) })
	p := unsafe.Pointer(unsafe.SliceData(page))
	copy(unsafe.Slice((*float32)(p), len(data)), data)
	return p
}

func TestManagedArrayReleasesItsMemoryOnce(t *testing.T) {
	k := begin(t)
	p := foreign(t, []float32{1, 2, 3, 4, 5, 6})
	released := 0
	t.Cleanup(func() { require.Equal(t, 1, released) })
	a, err := bindings.NewArrayDataManaged(p, []int32{2, 3}, bindings.Float32, func() { released++ })
	require.NoError(t, err)
	require.LessOrEqual(t, released, 1) // at once where MLX copies, at the end where it does not
	b := k.array(bindings.Add(a, a, k.s))
	require.Equal(t, []int32{2, 3}, k.shape(a))
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6}, k.read(a))
	require.Equal(t, []float32{2, 4, 6, 8, 10, 12}, k.read(b))
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	require.LessOrEqual(t, released, 1)
}

func TestManagedArrayWithoutRelease(t *testing.T) {
	k := begin(t)
	a := k.array(bindings.NewArrayDataManaged(foreign(t, []float32{7}), nil, bindings.Float32, nil))
	v, err := a.ItemFloat32()
	require.NoError(t, err)
	require.Equal(t, float32(7), v)
}

func TestManagedArrayRefusesUnknownDtypes(t *testing.T) {
	k := begin(t)
	released := false
	_, err := bindings.NewArrayDataManaged(foreign(t, nil), nil, 14, func() { released = true })
	k.fails(err, "array_new_data_managed_payload", "dtype 14 is no bindings.Dtype", 1)
	require.False(t, released, "the memory stays the caller's")
}

func TestDataPointer(t *testing.T) {
	k := begin(t)
	a := k.array(bindings.NewArrayData(unsafe.Pointer(&[]float32{1, 2, 3, 4}[0]), []int32{2, 2}, bindings.Float32))
	p, err := a.DataPointer()
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 3, 4}, unsafe.Slice((*float32)(p), 4))
	lazy := k.array(bindings.Add(a, a, k.s))
	_, err = lazy.DataPointer()
	k.fails(err, "array_data", "the array is not evaluated", 1)
	turned := k.array(bindings.Transpose(a, k.s))
	require.NoError(t, turned.Eval())
	_, err = turned.DataPointer()
	k.fails(err, "array_data", "the array is not row-contiguous", 1)
	_, err = bindings.Array{}.DataPointer()
	k.fails(err, "array_data", "arr is a null handle", 1)
	empty := k.array(bindings.NewArrayData(nil, []int32{0}, bindings.Int8))
	p, err = empty.DataPointer()
	require.NoError(t, err)
	require.Nil(t, p)
}
