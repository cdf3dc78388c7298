package gguf

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// Kind is the type of a metadata value, numbered as in the file.
type Kind uint32

// The thirteen kinds of metadata values.
const (
	KindUint8 Kind = iota
	KindInt8
	KindUint16
	KindInt16
	KindUint32
	KindInt32
	KindFloat32
	KindBool
	KindString
	KindArray
	KindUint64
	KindInt64
	KindFloat64
)

var kinds = [...]struct {
	name  string
	width uint64 // the least number of bytes that a value takes
}{
	KindUint8: {"uint8", 1}, KindInt8: {"int8", 1}, KindUint16: {"uint16", 2}, KindInt16: {"int16", 2},
	KindUint32: {"uint32", 4}, KindInt32: {"int32", 4}, KindFloat32: {"float32", 4}, KindBool: {"bool", 1},
	KindString: {"string", 8}, KindArray: {"array", 12}, KindUint64: {"uint64", 8}, KindInt64: {"int64", 8}, KindFloat64: {"float64", 8},
}

// String returns the Go name of the kind.
func (k Kind) String() string {
	if uint64(k) < uint64(len(kinds)) {
		return kinds[k].name
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Value is one metadata value. Kind is KindArray for an array, whose elements are of kind Elem (of any kind where the
// array is of arrays).
type Value struct {
	Kind Kind
	Elem Kind

	data any // a slice of the kind's Go type; a scalar is a slice of one
}

// Len returns the number of elements of an array, 1 for a scalar, 0 for the zero Value.
func (v Value) Len() int {
	if v.data == nil {
		return 0
	}
	return reflect.ValueOf(v.data).Len()
}

// Any returns the value as Go has it: uint8 ... float64, bool, string, a slice of one of these, or []Value for an
// array of arrays. Slices are the file's own and must not be changed.
func (v Value) Any() any {
	if v.data == nil || v.Kind == KindArray {
		return v.data
	}
	return reflect.ValueOf(v.data).Index(0).Interface()
}

// describe names the kind for error messages, with the kind of an array's elements.
func (v Value) describe() string {
	if v.Kind == KindArray {
		return "array of " + v.Elem.String()
	}
	return v.Kind.String()
}

// maxDepth bounds arrays within arrays; writers in use have none or one level.
const maxDepth = 8

// value reads a value of the given kind; depth counts the arrays around it.
func (c *cursor) value(kind Kind, depth int) (Value, error) {
	switch {
	case uint64(kind) >= uint64(len(kinds)):
		return Value{}, fmt.Errorf("unknown value type %d", uint32(kind))
	case kind == KindArray:
		return c.array(depth + 1)
	}
	data, err := c.scalars(kind, 1)
	return Value{Kind: kind, Elem: kind, data: data}, err
}

// array reads an array's element kind, its length and its elements.
func (c *cursor) array(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("arrays are nested deeper than %d", maxDepth)
	}
	code, err := c.u32()
	if err != nil {
		return Value{}, fmt.Errorf("array element type: %w", err)
	}
	elem := Kind(code)
	if uint64(elem) >= uint64(len(kinds)) {
		return Value{}, fmt.Errorf("unknown array element type %d", code)
	}
	n, err := c.count(kinds[elem].width, maxHeader)
	if err != nil {
		return Value{}, fmt.Errorf("array of %s: %w", elem, err)
	}
	out := Value{Kind: KindArray, Elem: elem}
	if elem != KindArray {
		out.data, err = c.scalars(elem, n)
		return out, err
	}
	var nested []Value // grows with what is read: an entry in memory is larger than in the file
	for i := range n {
		v, err := c.array(depth + 1)
		if err != nil {
			return Value{}, fmt.Errorf("element %d: %w", i, err)
		}
		nested = append(nested, v)
	}
	out.data = nested
	return out, nil
}

// scalars reads n values of a kind that is no array, as a slice of its Go type.
func (c *cursor) scalars(kind Kind, n int) (any, error) {
	if kind == KindString {
		return c.strs(n)
	}
	raw, err := c.take(uint64(n) * kinds[kind].width)
	if err != nil {
		return nil, err
	}
	switch kind {
	case KindUint8:
		return decode[uint8](raw, n), nil
	case KindInt8:
		return decode[int8](raw, n), nil
	case KindUint16:
		return decode[uint16](raw, n), nil
	case KindInt16:
		return decode[int16](raw, n), nil
	case KindUint32:
		return decode[uint32](raw, n), nil
	case KindInt32:
		return decode[int32](raw, n), nil
	case KindFloat32:
		return decode[float32](raw, n), nil
	case KindUint64:
		return decode[uint64](raw, n), nil
	case KindInt64:
		return decode[int64](raw, n), nil
	case KindFloat64:
		return decode[float64](raw, n), nil
	default:
		return bools(raw)
	}
}

func decode[T any](raw []byte, n int) []T {
	out := make([]T, n)
	// raw has exactly the bytes of out, the only thing that Decode can complain about.
	_, _ = binary.Decode(raw, binary.LittleEndian, out)
	return out
}

func bools(raw []byte) ([]bool, error) {
	out := make([]bool, len(raw))
	for i, b := range raw {
		if b > 1 {
			return nil, fmt.Errorf("bool has the value %d, which is neither 0 nor 1", b)
		}
		out[i] = b == 1
	}
	return out, nil
}
