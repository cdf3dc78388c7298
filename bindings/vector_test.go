package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestVectorArray(t *testing.T) {
	k := begin(t)
	a, b := k.floats([]float32{1}), k.floats([]float32{2})
	v, err := bindings.NewVectorArrayData([]array{a, b})
	require.NoError(t, err)
	defer v.Close()
	require.NoError(t, v.AppendValue(a))
	require.NoError(t, v.AppendData([]array{b, b}))
	holds := func(want ...float32) {
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, uint64(len(want)), n)
		for i, w := range want {
			got := k.array(v.Get(uint64(i)))
			require.NotEqual(t, a, got, "a handle of its own")
			require.Equal(t, []float32{w}, k.read(got))
		}
	}
	holds(1, 2, 1, 2, 2)
	_, err = v.Get(5)
	k.fails(err, "vector_array_get", "vector", 1)
	k.fails(v.AppendValue(array{}), "vector_array_append_value", "non-empty mlx_array", 1)
	k.fails(v.AppendData([]array{{}}), "vector_array_append_data", "non-empty mlx_array", 1)
	holds(1, 2, 1, 2, 2)

	was := v
	require.NoError(t, v.SetData([]array{b}))
	require.Equal(t, was, v)
	holds(2)
	require.NoError(t, v.SetValue(a))
	holds(1)
	other, err := bindings.NewVectorArrayValue(b)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, v.Set(other))
	holds(2)
	empty, err := bindings.NewVectorArray()
	require.NoError(t, err)
	defer empty.Close()
	require.NoError(t, v.Set(empty))
	holds()
}

// A setter of a null handle makes an object.
func TestVectorSettersOfNull(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1})
	for _, set := range []func(v *bindings.VectorArray) error{
		func(v *bindings.VectorArray) error { return v.SetValue(a) },
		func(v *bindings.VectorArray) error { return v.SetData([]array{a}) },
	} {
		var v bindings.VectorArray
		before := bindings.Live()
		require.NoError(t, set(&v))
		require.Equal(t, before["VectorArray"]+1, bindings.Live()["VectorArray"])
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, uint64(1), n)
		require.NoError(t, v.Close())
		require.Equal(t, before, bindings.Live())
		_, err = v.Size()
		k.fails(err, "vector_array_size", "non-empty mlx_vector_array", 1)
	}
	var v bindings.VectorArray
	k.fails(v.SetData([]array{{}}), "vector_array_set_data", "non-empty mlx_array", 1)
	k.fails(v.Set(bindings.VectorArray{}), "vector_array_set", "non-empty mlx_vector_array", 1)
	_, err := bindings.NewVectorArrayData([]array{a, {}})
	k.fails(err, "vector_array_new_data", "data[1] is a null handle", 1)
	_, err = bindings.NewVectorArrayValue(array{})
	k.fails(err, "vector_array_new_value", "non-empty mlx_array", 1)
}

func TestVectorVectorArray(t *testing.T) {
	k := begin(t)
	inner, err := bindings.NewVectorArrayData([]array{k.floats([]float32{1}), k.floats([]float32{2})})
	require.NoError(t, err)
	defer inner.Close()
	empty, err := bindings.NewVectorArray()
	require.NoError(t, err)
	defer empty.Close()

	v, err := bindings.NewVectorVectorArray()
	require.NoError(t, err)
	defer v.Close()
	sizes := func(want ...uint64) {
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, uint64(len(want)), n)
		for i, w := range want {
			list, err := v.Get(uint64(i))
			require.NoError(t, err)
			n, err := list.Size()
			require.NoError(t, err)
			require.Equal(t, w, n)
			require.NoError(t, list.Close())
		}
	}
	sizes()
	require.NoError(t, v.AppendValue(inner))
	require.NoError(t, v.AppendData([]bindings.VectorArray{empty, inner}))
	sizes(2, 0, 2)
	require.NoError(t, v.SetValue(empty))
	sizes(0)
	require.NoError(t, v.SetData([]bindings.VectorArray{inner, inner}))
	sizes(2, 2)
	one, err := bindings.NewVectorVectorArrayValue(inner)
	require.NoError(t, err)
	defer one.Close()
	require.NoError(t, v.Set(one))
	sizes(2)
	_, err = v.Get(1)
	k.fails(err, "vector_vector_array_get", "vector", 1)
	_, err = bindings.NewVectorVectorArrayData([]bindings.VectorArray{inner, {}})
	k.fails(err, "vector_vector_array_new_data", "data[1] is a null handle", 1)
}

func TestVectorString(t *testing.T) {
	k := begin(t)
	v, err := bindings.NewVectorStringData([]string{"a", "", "größer"})
	require.NoError(t, err)
	defer v.Close()
	holds := func(want ...string) {
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, uint64(len(want)), n)
		for i, w := range want {
			got, err := v.Get(uint64(i))
			require.NoError(t, err)
			require.Equal(t, w, got)
		}
	}
	holds("a", "", "größer")
	require.NoError(t, v.AppendValue("z"))
	require.NoError(t, v.AppendData([]string{"y", "x"}))
	require.NoError(t, v.AppendData(nil))
	holds("a", "", "größer", "z", "y", "x")
	require.NoError(t, v.SetValue("b"))
	holds("b")
	require.NoError(t, v.SetData([]string{"c", "d"}))
	holds("c", "d")
	other, err := bindings.NewVectorStringValue("e")
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, v.Set(other))
	holds("e")

	_, err = v.Get(1)
	k.fails(err, "vector_string_get", "vector", 1)
	k.fails(v.AppendValue("a\x00b"), "vector_string_append_value", "mlx-c cannot carry", 1)
	k.fails(v.AppendData([]string{"ok", "a\x00b"}), "vector_string_append_data", "mlx-c cannot carry", 1)
	_, err = bindings.NewVectorStringData([]string{"\x00"})
	k.fails(err, "vector_string_new_data", "mlx-c cannot carry", 1)
	holds("e")
	null, err := bindings.NewVectorString()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	_, err = null.Get(0)
	k.fails(err, "vector_string_get", "non-empty mlx_vector_string", 1)
}

func TestVectorInt(t *testing.T) {
	k := begin(t)
	v, err := bindings.NewVectorIntData([]int32{4, -5, 6})
	require.NoError(t, err)
	defer v.Close()
	holds := func(want ...int32) {
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, uint64(len(want)), n)
		for i, w := range want {
			got, err := v.Get(uint64(i))
			require.NoError(t, err)
			require.Equal(t, w, got)
		}
	}
	holds(4, -5, 6)
	require.NoError(t, v.AppendValue(-3))
	require.NoError(t, v.AppendData([]int32{1<<31 - 1, 0}))
	require.NoError(t, v.AppendData(nil))
	holds(4, -5, 6, -3, 1<<31-1, 0)
	require.NoError(t, v.SetValue(8))
	holds(8)
	require.NoError(t, v.SetData([]int32{9, 10}))
	holds(9, 10)
	require.NoError(t, v.SetData(nil))
	holds()
	other, err := bindings.NewVectorIntValue(-1 << 31)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, v.Set(other))
	holds(-1 << 31)
	_, err = v.Get(1)
	k.fails(err, "vector_int_get", "vector", 1)
	null, err := bindings.NewVectorInt()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	k.fails(null.AppendData([]int32{1}), "vector_int_append_data", "non-empty mlx_vector_int", 1)
}

func TestVectorStream(t *testing.T) {
	k := begin(t)
	v, err := bindings.NewVectorStreamData([]stream{k.s, k.s})
	require.NoError(t, err)
	defer v.Close()
	holds := func(want uint64) {
		n, err := v.Size()
		require.NoError(t, err)
		require.Equal(t, want, n)
		for i := range n {
			s, err := v.Get(i)
			require.NoError(t, err)
			same, err := s.Equal(k.s)
			require.NoError(t, err)
			require.True(t, same)
			require.NoError(t, s.Close())
		}
	}
	holds(2)
	require.NoError(t, v.AppendValue(k.s))
	require.NoError(t, v.AppendData([]stream{k.s, k.s}))
	holds(5)
	require.NoError(t, v.SetValue(k.s))
	holds(1)
	require.NoError(t, v.SetData([]stream{k.s, k.s, k.s}))
	holds(3)
	other, err := bindings.NewVectorStreamValue(k.s)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, v.Set(other))
	holds(1)
	empty, err := bindings.NewVectorStream()
	require.NoError(t, err)
	defer empty.Close()
	require.NoError(t, v.Set(empty))
	holds(0)
	_, err = v.Get(0)
	k.fails(err, "vector_stream_get", "vector", 1)
	k.fails(v.AppendValue(stream{}), "vector_stream_append_value", "non-empty mlx_stream", 1)
}
