package gguf

import (
	"encoding/binary"
	"fmt"
)

// NewValue makes a metadata value of what Any returns: uint8 ... uint64, int8 ... int64, float32, float64, bool,
// string, a slice of one of these, or []Value of arrays for an array of arrays. An int has no width in a file: choose
// one.
func NewValue(v any) (Value, error) {
	switch v := v.(type) {
	case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, uint64, int64, float64:
		kind, data := scalar(v)
		return Value{Kind: kind, Elem: kind, data: data}, nil
	case []Value:
		for i, inner := range v {
			if inner.Kind != KindArray || inner.data == nil {
				return Value{}, fmt.Errorf("gguf: element %d of an array of arrays is %s", i, inner.describe())
			}
		}
		return Value{Kind: KindArray, Elem: KindArray, data: v}, nil
	}
	if elem, ok := elemKind(v); ok {
		return Value{Kind: KindArray, Elem: elem, data: v}, nil
	}
	return Value{}, fmt.Errorf("gguf: no kind of metadata holds a %T", v)
}

// scalar returns the kind of v and v in a slice.
func scalar(v any) (Kind, any) {
	var data any
	switch v := v.(type) {
	case uint8:
		data = []uint8{v}
	case int8:
		data = []int8{v}
	case uint16:
		data = []uint16{v}
	case int16:
		data = []int16{v}
	case uint32:
		data = []uint32{v}
	case int32:
		data = []int32{v}
	case float32:
		data = []float32{v}
	case bool:
		data = []bool{v}
	case string:
		data = []string{v}
	case uint64:
		data = []uint64{v}
	case int64:
		data = []int64{v}
	case float64:
		data = []float64{v}
	}
	kind, _ := elemKind(data)
	return kind, data
}

// elemKind returns the kind of a slice's elements.
func elemKind(v any) (Kind, bool) {
	switch v.(type) {
	case []uint8:
		return KindUint8, true
	case []int8:
		return KindInt8, true
	case []uint16:
		return KindUint16, true
	case []int16:
		return KindInt16, true
	case []uint32:
		return KindUint32, true
	case []int32:
		return KindInt32, true
	case []float32:
		return KindFloat32, true
	case []bool:
		return KindBool, true
	case []string:
		return KindString, true
	case []uint64:
		return KindUint64, true
	case []int64:
		return KindInt64, true
	case []float64:
		return KindFloat64, true
	}
	return 0, false
}

// append writes the value as it stands in a file, after its kind.
func (v Value) append(b []byte, depth int) ([]byte, error) {
	if v.Kind != KindArray {
		return appendElements(b, v.data)
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("arrays are nested deeper than %d", maxDepth)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(v.Elem))
	b = binary.LittleEndian.AppendUint64(b, uint64(v.Len()))
	nested, ok := v.data.([]Value)
	if !ok {
		return appendElements(b, v.data)
	}
	for i, inner := range nested {
		var err error
		if b, err = inner.append(b, depth+1); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return b, nil
}

// appendElements writes a slice of what is no array.
func appendElements(b []byte, data any) ([]byte, error) {
	texts, ok := data.([]string)
	if !ok {
		return binary.Append(b, binary.LittleEndian, data)
	}
	for i, s := range texts {
		if len(s) > maxString {
			return nil, fmt.Errorf("element %d: string of %d bytes is longer than %d", i, len(s), maxString)
		}
		b = appendString(b, s)
	}
	return b, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}
