package gguf

import (
	"errors"
	"fmt"
	"iter"
)

// ErrNotFound is wrapped by the getters when the file has no such key, so that callers can fall back to a default.
var ErrNotFound = errors.New("no such metadata key")

// Metadata holds the key-value pairs of a file in their order there. Its getters name file and key in their errors;
// a missing key is [ErrNotFound]. Integers are read whatever their width, as long as they fit.
type Metadata struct {
	file   string
	keys   []string
	values map[string]Value
}

// Len returns the number of keys.
func (m *Metadata) Len() int { return len(m.keys) }

// All ranges over keys and values in file order.
func (m *Metadata) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, k := range m.keys {
			if !yield(k, m.values[k]) {
				return
			}
		}
	}
}

// Has reports whether the file has the key.
func (m *Metadata) Has(key string) bool {
	_, ok := m.values[key]
	return ok
}

// Lookup returns the value of a key whatever its kind.
func (m *Metadata) Lookup(key string) (Value, bool) {
	v, ok := m.values[key]
	return v, ok
}

// String returns a string.
func (m *Metadata) String(key string) (string, error) {
	s, err := typed[string](m, key, false)
	return first(s), err
}

// Strings returns an array of strings. The slice is the file's own and must not be changed.
func (m *Metadata) Strings(key string) ([]string, error) { return typed[string](m, key, true) }

// Bool returns a bool.
func (m *Metadata) Bool(key string) (bool, error) {
	s, err := typed[bool](m, key, false)
	return first(s), err
}

// Bools returns an array of bools. The slice is the file's own and must not be changed.
func (m *Metadata) Bools(key string) ([]bool, error) { return typed[bool](m, key, true) }

// Int returns an integer of any width or sign that fits an int64.
func (m *Metadata) Int(key string) (int64, error) {
	s, err := integers[int64](m, key, false)
	return first(s), err
}

// Uint returns an integer of any width that is not negative.
func (m *Metadata) Uint(key string) (uint64, error) {
	s, err := integers[uint64](m, key, false)
	return first(s), err
}

// Ints returns a copy of an array of integers of any width or sign that fit int64.
func (m *Metadata) Ints(key string) ([]int64, error) { return integers[int64](m, key, true) }

// Uints returns a copy of an array of integers of any width, none of them negative.
func (m *Metadata) Uints(key string) ([]uint64, error) { return integers[uint64](m, key, true) }

// Float returns a float32 or float64.
func (m *Metadata) Float(key string) (float64, error) {
	s, err := floats(m, key, false)
	return first(s), err
}

// Floats returns a copy of an array of float32 or float64.
func (m *Metadata) Floats(key string) ([]float64, error) { return floats(m, key, true) }

func first[T any](s []T) (v T) {
	if len(s) > 0 {
		v = s[0]
	}
	return v
}

// find returns the value of key if it is an array or a scalar, as asked.
func (m *Metadata) find(key string, array bool, want string) (Value, error) {
	v, ok := m.values[key]
	if !ok {
		return Value{}, fmt.Errorf("gguf: %s: metadata %q: %w", m.file, key, ErrNotFound)
	}
	if array != (v.Kind == KindArray) {
		return Value{}, m.wrong(key, v, array, want)
	}
	return v, nil
}

func (m *Metadata) wrong(key string, v Value, array bool, want string) error {
	if array {
		want = "array of " + want
	}
	return fmt.Errorf("gguf: %s: metadata %q is %s, want %s", m.file, key, v.describe(), want)
}

func typed[T string | bool](m *Metadata, key string, array bool) ([]T, error) {
	var zero T
	want := fmt.Sprintf("%T", zero)
	v, err := m.find(key, array, want)
	if err != nil {
		return nil, err
	}
	s, ok := v.data.([]T)
	if !ok {
		return nil, m.wrong(key, v, array, want)
	}
	return s, nil
}

func floats(m *Metadata, key string, array bool) ([]float64, error) {
	v, err := m.find(key, array, "float")
	if err != nil {
		return nil, err
	}
	switch s := v.data.(type) {
	case []float64:
		return append([]float64{}, s...), nil
	case []float32:
		out := make([]float64, len(s))
		for i, f := range s {
			out[i] = float64(f)
		}
		return out, nil
	}
	return nil, m.wrong(key, v, array, "float")
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func integers[D int64 | uint64](m *Metadata, key string, array bool) ([]D, error) {
	v, err := m.find(key, array, "integer")
	if err != nil {
		return nil, err
	}
	var out []D
	var bad int
	switch s := v.data.(type) {
	case []uint8:
		out, bad = widen[D](s)
	case []int8:
		out, bad = widen[D](s)
	case []uint16:
		out, bad = widen[D](s)
	case []int16:
		out, bad = widen[D](s)
	case []uint32:
		out, bad = widen[D](s)
	case []int32:
		out, bad = widen[D](s)
	case []uint64:
		out, bad = widen[D](s)
	case []int64:
		out, bad = widen[D](s)
	default:
		return nil, m.wrong(key, v, array, "integer")
	}
	if bad >= 0 {
		return nil, fmt.Errorf("gguf: %s: metadata %q: element %d does not fit %T", m.file, key, bad, D(0))
	}
	return out, nil
}

// widen converts s and returns the index of the first element that does not fit, or -1.
func widen[D int64 | uint64, S integer](s []S) ([]D, int) {
	out := make([]D, len(s))
	for i, v := range s {
		out[i] = D(v)
		if (out[i] < 0) != (v < 0) {
			return nil, i
		}
	}
	return out, -1
}
