package bindings_test

import (
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

type array = bindings.Array

// dtypeCase is one dtype with a value in its memory and how it reads.
type dtypeCase struct {
	dtype bindings.Dtype
	size  uint64
	bits  [8]byte // the value as it lies in memory, on a little-endian machine
	want  any
	item  func(array) (any, error)
	data  func(array) (any, error)
}

// anyOf makes the readers of all dtypes alike.
func anyOf[T any](read func(array) (T, error)) func(array) (any, error) {
	return func(a array) (any, error) { return read(a) }
}

// first is the first element of data.
func first[T any](data func(array) ([]T, error)) func(array) (any, error) {
	return func(a array) (any, error) {
		v, err := data(a)
		if err != nil {
			return nil, err
		}
		return v[0], nil
	}
}

// The bits are those of IEEE 754 and two's complement; Go has no half types, so
// float16 and bfloat16 read as bits.
var dtypeCases = []dtypeCase{
	{bindings.Bool, 1, [8]byte{1}, true, anyOf(array.ItemBool), first(array.DataBool)},
	{bindings.Uint8, 1, [8]byte{0xff}, uint8(255), anyOf(array.ItemUint8), first(array.DataUint8)},
	{bindings.Uint16, 2, [8]byte{0xfe, 0xff}, uint16(65534), anyOf(array.ItemUint16), first(array.DataUint16)},
	{bindings.Uint32, 4, [8]byte{0, 0, 0, 0x80}, uint32(1 << 31), anyOf(array.ItemUint32), first(array.DataUint32)},
	{bindings.Uint64, 8, [8]byte{7: 0x80}, uint64(1 << 63), anyOf(array.ItemUint64), first(array.DataUint64)},
	{bindings.Int8, 1, [8]byte{0x80}, int8(-128), anyOf(array.ItemInt8), first(array.DataInt8)},
	{bindings.Int16, 2, [8]byte{0, 0x80}, int16(-32768), anyOf(array.ItemInt16), first(array.DataInt16)},
	{bindings.Int32, 4, [8]byte{0xfe, 0xff, 0xff, 0xff}, int32(-2), anyOf(array.ItemInt32), first(array.DataInt32)},
	{bindings.Int64, 8, [8]byte{7: 0x80}, int64(-1 << 63), anyOf(array.ItemInt64), first(array.DataInt64)},
	{bindings.Float16, 2, [8]byte{0, 0x3e}, uint16(0x3e00), anyOf(array.ItemFloat16), first(array.DataFloat16)},
	{bindings.Float32, 4, [8]byte{0, 0, 0xc0, 0x3f}, float32(1.5), anyOf(array.ItemFloat32), first(array.DataFloat32)},
	{bindings.Float64, 8, [8]byte{6: 0xf8, 7: 0x3f}, 1.5, anyOf(array.ItemFloat64), first(array.DataFloat64)},
	{bindings.BFloat16, 2, [8]byte{0xc0, 0x3f}, uint16(0x3fc0), anyOf(array.ItemBFloat16), first(array.DataBFloat16)},
	{bindings.Complex64, 8, [8]byte{3: 0x40, 6: 0xc0, 7: 0xbf}, complex64(2 - 1.5i),
		anyOf(array.ItemComplex64), first(array.DataComplex64)},
}

// array makes an array of the one value.
func (c dtypeCase) array(k kit) array {
	k.Helper()
	bits := c.bits // the case holds pointers, which cgo forbids beside what it lends
	return k.array(bindings.NewArrayData(unsafe.Pointer(&bits), []int32{1}, c.dtype))
}

func TestEveryDtypeReadsBack(t *testing.T) {
	for _, tt := range dtypeCases {
		t.Run(tt.dtype.String(), func(t *testing.T) {
			k := begin(t)
			a := tt.array(k)
			dtype, err := a.Dtype()
			require.NoError(t, err)
			require.Equal(t, tt.dtype, dtype)
			size, err := a.Itemsize()
			require.NoError(t, err)
			require.Equal(t, tt.size, size)
			size, err = bindings.DtypeSize(tt.dtype)
			require.NoError(t, err)
			require.Equal(t, tt.size, size)

			item, err := tt.item(a)
			require.NoError(t, err)
			require.Equal(t, tt.want, item)
			data, err := tt.data(a)
			require.NoError(t, err)
			require.Equal(t, tt.want, data)
		})
	}
}

// MLX itself reads whatever bytes lie there.
func TestReadersRefuseEveryOtherDtype(t *testing.T) {
	k := begin(t)
	for _, held := range dtypeCases {
		a := held.array(k)
		for _, read := range dtypeCases {
			if read.dtype == held.dtype {
				continue
			}
			says := "the array holds " + held.dtype.String() + ", not " + read.dtype.String()
			_, err := read.item(a)
			k.fails(err, "array_item_"+read.dtype.String(), says, 1)
			_, err = read.data(a)
			k.fails(err, "array_data_"+read.dtype.String(), says, 1)
		}
	}
}

func TestReadersOfTheNullArray(t *testing.T) {
	k := begin(t)
	for _, tt := range dtypeCases {
		_, err := tt.item(array{})
		k.fails(err, "array_item_"+tt.dtype.String(), "non-empty mlx_array", 1)
		_, err = tt.data(array{})
		k.fails(err, "array_size", "non-empty mlx_array", 1)
	}
}

func TestItemNeedsOneElement(t *testing.T) {
	k := begin(t)
	_, err := k.floats([]float32{1, 2}).ItemFloat32()
	k.fails(err, "array_item_float32", "item can only be called on arrays of size 1", 1)
}

func TestScalarConstructors(t *testing.T) {
	k := begin(t)
	boolean, integer, single := anyOf(array.ItemBool), anyOf(array.ItemInt32), anyOf(array.ItemFloat32)
	double, pair := anyOf(array.ItemFloat64), anyOf(array.ItemComplex64)
	const f32, f64 = bindings.Float32, bindings.Float64
	tests := []struct {
		name  string
		make  func() (array, error)
		dtype bindings.Dtype
		read  func(array) (any, error)
		want  any
	}{
		{"bool", func() (array, error) { return bindings.NewArrayBool(true) }, bindings.Bool, boolean, true},
		{"int", func() (array, error) { return bindings.NewArrayInt(-7) }, bindings.Int32, integer, int32(-7)},
		{"float", func() (array, error) { return bindings.NewArrayFloat(0.5) }, f32, single, float32(0.5)},
		{"float32", func() (array, error) { return bindings.NewArrayFloat32(0.5) }, f32, single, float32(0.5)},
		{"float64", func() (array, error) { return bindings.NewArrayFloat64(0.1) }, f64, double, 0.1},
		{"double", func() (array, error) { return bindings.NewArrayDouble(0.1) }, f64, double, 0.1},
		{"complex", func() (array, error) { return bindings.NewArrayComplex(1, -2) },
			bindings.Complex64, pair, complex64(1 - 2i)},
	}
	for _, tt := range tests {
		a := k.array(tt.make())
		dtype, err := a.Dtype()
		require.NoError(t, err, tt.name)
		require.Equal(t, tt.dtype, dtype, tt.name)
		require.Empty(t, k.shape(a), tt.name)
		v, err := tt.read(a)
		require.NoError(t, err, tt.name)
		require.Equal(t, tt.want, v, tt.name)
	}
}

// A setter writes into the object behind the handle, and makes one for the null
// handle.
func TestScalarSetters(t *testing.T) {
	k := begin(t)
	tests := []struct {
		name string
		set  func(a *array) error
		read func(array) (any, error)
		want any
	}{
		{"bool", func(a *array) error { return a.SetBool(true) }, anyOf(array.ItemBool), true},
		{"int", func(a *array) error { return a.SetInt(-7) }, anyOf(array.ItemInt32), int32(-7)},
		{"float", func(a *array) error { return a.SetFloat(0.5) }, anyOf(array.ItemFloat32), float32(0.5)},
		{"float32", func(a *array) error { return a.SetFloat32(0.5) }, anyOf(array.ItemFloat32), float32(0.5)},
		{"float64", func(a *array) error { return a.SetFloat64(0.1) }, anyOf(array.ItemFloat64), 0.1},
		{"double", func(a *array) error { return a.SetDouble(0.1) }, anyOf(array.ItemFloat64), 0.1},
		{"complex", func(a *array) error { return a.SetComplex(1, -2) }, anyOf(array.ItemComplex64), complex64(1 - 2i)},
		{"data", func(a *array) error {
			return a.SetData(unsafe.Pointer(&[]int16{9}[0]), []int32{1}, bindings.Int16)
		}, anyOf(array.ItemInt16), int16(9)},
		{"array", func(a *array) error { return a.Set(k.ints([]int32{4})) }, anyOf(array.ItemInt32), int32(4)},
	}
	for _, tt := range tests {
		for _, a := range []array{{}, k.array(bindings.NewArrayInt(0))} {
			was := a
			require.NoError(t, tt.set(&a), tt.name)
			v, err := tt.read(a)
			require.NoError(t, err, tt.name)
			require.Equal(t, tt.want, v, tt.name)
			if was.IsNull() {
				require.NoError(t, a.Close())
			} else {
				require.Equal(t, was, a, "%s: the handle stays", tt.name)
			}
		}
	}
}

func TestSetFromNull(t *testing.T) {
	k := begin(t)
	var a array
	k.fails(a.Set(array{}), "array_set", "non-empty mlx_array", 1)
	require.True(t, a.IsNull())
	k.fails(a.SetData(nil, nil, bindings.Dtype(14)), "array_set_data", "dtype 14 is no bindings.Dtype", 1)
	require.True(t, a.IsNull())
}
