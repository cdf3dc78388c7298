package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestMapStringToArray(t *testing.T) {
	k := begin(t)
	m, err := bindings.NewMapStringToArray()
	require.NoError(t, err)
	defer m.Close()
	for i, key := range []string{"a", "b", "a"} { // the second "a" replaces the first
		require.NoError(t, m.Insert(key, k.floats([]float32{float32(i)})))
	}
	require.Equal(t, []float32{2}, k.read(k.array(m.Get("a"))))
	require.Equal(t, []float32{1}, k.read(k.array(m.Get("b"))))

	_, err = m.Get("c")
	k.fails(err, "map_string_to_array_get", "", 2)
	require.ErrorIs(t, err, bindings.ErrNotFound)
	require.EqualError(t, err, "bindings: map_string_to_array_get: not found")
	_, err = m.Get("50\x00")
	k.fails(err, "map_string_to_array_get", "mlx-c cannot carry", 1)
	k.fails(m.Insert("x", array{}), "map_string_to_array_insert", "non-empty mlx_array", 1)
	k.fails(m.Insert("a\x00", k.some()), "map_string_to_array_insert", "mlx-c cannot carry", 1)
}

func TestMapStringToArrayIterator(t *testing.T) {
	k := begin(t)
	m, err := bindings.NewMapStringToArray()
	require.NoError(t, err)
	defer m.Close()
	want := map[string]float32{"a": 1, "b": 2, "c": 3}
	for key, v := range want {
		require.NoError(t, m.Insert(key, k.floats([]float32{v})))
	}
	it, err := bindings.NewMapStringToArrayIterator(m)
	require.NoError(t, err)
	got := map[string]float32{}
	for range want {
		key, a, err := it.Next()
		got[key] = k.read(k.array(a, err))[0]
	}
	require.Equal(t, want, got)
	for range 2 { // and again
		key, a, err := it.Next()
		require.ErrorIs(t, err, bindings.ErrNotFound)
		k.fails(err, "map_string_to_array_iterator_next", "", 2)
		require.Empty(t, key)
		require.True(t, a.IsNull())
	}
	require.NoError(t, it.Close())
	require.NoError(t, it.Close())
	_, _, err = it.Next()
	k.fails(err, "map_string_to_array_iterator_next", "it is a null handle", 1)
	_, err = bindings.NewMapStringToArrayIterator(bindings.MapStringToArray{})
	k.fails(err, "map_string_to_array_iterator_new", "is a null handle", 1)
}

func TestMapStringToString(t *testing.T) {
	k := begin(t)
	m, err := bindings.NewMapStringToString()
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Insert("format", "mlx"))
	require.NoError(t, m.Insert("größe", ""))
	v, err := m.Get("größe")
	require.NoError(t, err)
	require.Empty(t, v)
	v, err = m.Get("format")
	require.NoError(t, err)
	require.Equal(t, "mlx", v)
	_, err = m.Get("c")
	k.fails(err, "map_string_to_string_get", "", 2)
	require.ErrorIs(t, err, bindings.ErrNotFound)
	k.fails(m.Insert("k", "a\x00b"), "map_string_to_string_insert", "value", 1)

	it, err := bindings.NewMapStringToStringIterator(m)
	require.NoError(t, err)
	defer it.Close()
	got := map[string]string{}
	for {
		key, value, err := it.Next()
		if err != nil {
			require.ErrorIs(t, err, bindings.ErrNotFound)
			break
		}
		got[key] = value
	}
	require.Equal(t, map[string]string{"format": "mlx", "größe": ""}, got)
	_, _, err = bindings.MapStringToStringIterator{}.Next()
	k.fails(err, "map_string_to_string_iterator_next", "it is a null handle", 1)
	_, err = bindings.NewMapStringToStringIterator(bindings.MapStringToString{})
	k.fails(err, "map_string_to_string_iterator_new", "is a null handle", 1)
}

// Set copies the contents: later changes of one do not show in the other.
func TestMapSet(t *testing.T) {
	k := begin(t)
	src, err := bindings.NewMapStringToArray()
	require.NoError(t, err)
	defer src.Close()
	require.NoError(t, src.Insert("a", k.some()))
	var dst bindings.MapStringToArray
	require.NoError(t, dst.Set(src))
	defer dst.Close()
	require.NoError(t, src.Insert("b", k.some()))
	k.array(dst.Get("a"))
	_, err = dst.Get("b")
	require.ErrorIs(t, err, bindings.ErrNotFound)
	k.fails(dst.Set(bindings.MapStringToArray{}), "map_string_to_array_set", "non-empty mlx_map_string_to_array", 1)

	texts, err := bindings.NewMapStringToString()
	require.NoError(t, err)
	defer texts.Close()
	require.NoError(t, texts.Insert("a", "1"))
	var copied bindings.MapStringToString
	require.NoError(t, copied.Set(texts))
	defer copied.Close()
	v, err := copied.Get("a")
	require.NoError(t, err)
	require.Equal(t, "1", v)
}

func TestString(t *testing.T) {
	k := begin(t)
	s, err := bindings.NewStringData("mlx")
	require.NoError(t, err)
	defer s.Close()
	var other bindings.String
	require.NoError(t, other.Set(s))
	defer other.Close()
	text, err := other.Data()
	require.NoError(t, err)
	require.Equal(t, "mlx", text)
	_, err = bindings.NewStringData("a\x00b")
	k.fails(err, "string_new_data", "mlx-c cannot carry", 1)
	k.fails(other.Set(bindings.String{}), "string_set", "non-empty mlx_string", 1)

	empty, err := bindings.NewString()
	require.NoError(t, err)
	require.NoError(t, empty.Close())
	_, err = empty.Data()
	k.fails(err, "string_data", "non-empty mlx_string", 1)
}
