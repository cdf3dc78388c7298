package tokenizer

import "fmt"

// ggufValues is Metadata in memory.
type ggufValues map[string]any

// Has implements Metadata.
func (m ggufValues) Has(key string) bool { return m[key] != nil }

// ggufValue finds a value of one of the types that a getter knows.
func ggufValue[T any](m ggufValues, key string) (v T, err error) {
	v, ok := m[key].(T)
	if !ok {
		err = fmt.Errorf("%s: no such metadata key", key)
	}
	return v, err
}

// String implements Metadata.
func (m ggufValues) String(key string) (string, error) { return ggufValue[string](m, key) }

// Strings implements Metadata.
func (m ggufValues) Strings(key string) ([]string, error) { return ggufValue[[]string](m, key) }

// Bool implements Metadata.
func (m ggufValues) Bool(key string) (bool, error) { return ggufValue[bool](m, key) }

// Int implements Metadata.
func (m ggufValues) Int(key string) (int64, error) {
	v, err := ggufValue[uint32](m, key)
	return int64(v), err
}

// Ints implements Metadata.
func (m ggufValues) Ints(key string) ([]int64, error) {
	return widened[int64](ggufValue[[]int32](m, key))
}

// Floats implements Metadata.
func (m ggufValues) Floats(key string) ([]float64, error) {
	return widened[float64](ggufValue[[]float32](m, key))
}

func widened[D int64 | float64, S int32 | float32](list []S, err error) ([]D, error) {
	out := make([]D, len(list))
	for i, v := range list {
		out[i] = D(v)
	}
	return out, err
}
