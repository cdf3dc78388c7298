package bindings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxDims bounds the dimensions that Shape and Strides read.
const maxDims = 64

func checkHandle(op, name string, h uintptr) error {
	if h == 0 {
		return refuse(op, "%s is a null handle", name)
	}
	return nil
}

// checkNoNull refuses null handles in a list.
func checkNoNull[T Array | VectorArray | Stream](op, name string, list []T) error {
	var null T
	for i, h := range list {
		if h == null {
			return refuse(op, "%s[%d] is a null handle", name, i)
		}
	}
	return nil
}

// checkString refuses what a C string cannot carry, and percent signs where the
// library uses messages that quote the string as printf formats.
func checkString(op, name, s string) error {
	refused := "\x00%"
	if percents.Load() {
		refused = "\x00"
	}
	if i := strings.IndexAny(s, refused); i >= 0 {
		return refuse(op, "%s %q holds %q, which mlx-c cannot carry", name, s, s[i])
	}
	return nil
}

func checkStrings(op, name string, list []string) error {
	for _, s := range list {
		if err := checkString(op, name, s); err != nil {
			return err
		}
	}
	return nil
}

func checkKeys(op, name string, m map[string]Array) error {
	for k := range m {
		if err := checkString(op, name, k); err != nil {
			return err
		}
	}
	return nil
}

// checkPairs lets percent signs pass in values, which no message quotes.
func checkPairs(op, name string, m map[string]string) error {
	for k, v := range m {
		if err := checkString(op, name, k); err != nil {
			return err
		}
		if strings.Contains(v, "\x00") {
			return refuse(op, "%s[%q] holds a NUL, which mlx-c cannot carry", name, k)
		}
	}
	return nil
}

func checkEnum[E interface {
	~int32
	valid() bool
}](op, name string, v E) error {
	if !v.valid() {
		return refuse(op, "%s %d is no %T", name, int32(v), v)
	}
	return nil
}

func checkOptional(op, name string, v OptionalDtype) error {
	if !v.Valid {
		return nil
	}
	return checkEnum(op, name, v.Value)
}

// checkNonzero refuses a zero that MLX would divide by.
func checkNonzero(op, name string, values ...int32) error {
	for _, v := range values {
		if v == 0 {
			return refuse(op, "%s is 0", name)
		}
	}
	return nil
}

func checkGivenNonzero(op, name string, v OptionalInt) error {
	if v.Valid && v.Value == 0 {
		return refuse(op, "%s is 0", name)
	}
	return nil
}

// checkMatrix refuses an array of fewer than two dimensions. A null one is left
// to mlx-c.
func checkMatrix(op, name string, a Array) error {
	if a.h == 0 {
		return nil
	}
	n, err := a.Ndim()
	if err == nil && n < 2 {
		err = refuse(op, "%s has %d dimensions, not two or more", name, n)
	}
	return err
}

// checkNotBool refuses boolean arrays. Null ones are left to mlx-c.
func checkNotBool(op, name string, arrays ...Array) error {
	for _, a := range arrays {
		if a.h == 0 {
			continue
		}
		d, err := a.Dtype()
		if err != nil {
			return err
		}
		if d == Bool {
			return refuse(op, "%s are bool, not integers", name)
		}
	}
	return nil
}

// checkFits refuses an array of more dimensions than src. Null ones are left to
// mlx-c.
func checkFits(op, name string, a, src Array) error {
	if a.h == 0 || src.h == 0 {
		return nil
	}
	have, err := a.Ndim()
	if err != nil {
		return err
	}
	room, err := src.Ndim()
	if err == nil && have > room {
		err = refuse(op, "%s has %d dimensions, more than the %d of src", name, have, room)
	}
	return err
}

func enumString(typ string, v int, names []string) string {
	if v < 0 || v >= len(names) {
		return fmt.Sprintf("%s(%d)", typ, v)
	}
	return names[v]
}

// joinStrings lays strings out one after the other, each ended by NUL.
func joinStrings(list []string) []byte {
	var b []byte
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return b
}

// splitMap lays a map out as keys and handles, in key order.
func splitMap(m map[string]Array) ([]byte, []Array) {
	keys := slices.Sorted(maps.Keys(m))
	values := make([]Array, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return joinStrings(keys), values
}

func joinPairs(m map[string]string) []byte {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = append(append(b, k...), 0)
		b = append(append(b, m[k]...), 0)
	}
	return b
}
