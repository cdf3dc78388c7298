package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// ValueOf converts a Go value to a template value:
//
//   - nil and nil pointers become None; booleans, integers, floats and strings
//     themselves (invalid UTF-8 becomes U+FFFD)
//   - json.RawMessage and []byte are decoded as JSON with the order of their
//     keys kept, json.Number as a number
//   - slices and arrays become lists, maps with string keys mappings sorted by
//     key, structs mappings of their exported fields in order, named and
//     omitted as their json tags say
//   - a Value, a Message and anything with a MarshalJSON method keep their form
//
// Channels, functions and complex numbers are errors.
func ValueOf(v any) (Value, error) {
	val, err := valueOf(v, 0)
	if err != nil {
		return nil, fmt.Errorf("templates: cannot convert %T: %w", v, err)
	}
	return val, nil
}

func valueOf(v any, depth int) (Value, error) {
	if depth > maxNesting {
		return nil, limitf("nested more than %d levels deep", maxNesting)
	}
	switch x := v.(type) {
	case nil:
		return none, nil
	case *Dict:
		if x == nil {
			return none, nil
		}
		return x, nil
	case Value:
		return x, nil
	case string:
		return str(strings.ToValidUTF8(x, "\uFFFD")), nil
	case bool:
		return boolVal(x), nil
	case int:
		return integer(x), nil
	case float64:
		return float(x), nil
	case Message:
		return x.value()
	case *big.Int:
		return bigVal(new(big.Int).Set(x)), nil
	case json.RawMessage:
		return ParseJSON(x)
	case []byte:
		return ParseJSON(x)
	case json.Number:
		return jsonNumber(string(x))
	case json.Marshaler:
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
			return none, nil
		}
		data, err := x.MarshalJSON()
		if err != nil {
			return nil, err
		}
		return ParseJSON(data)
	}
	return reflectValue(reflect.ValueOf(v), depth)
}

func reflectValue(v reflect.Value, depth int) (Value, error) {
	switch v.Kind() {
	case reflect.Bool:
		return boolVal(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return bigVal(new(big.Int).SetUint64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return float(v.Float()), nil
	case reflect.String:
		return str(strings.ToValidUTF8(v.String(), "\uFFFD")), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return none, nil
		}
		return valueOf(v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		l := &list{items: make([]Value, v.Len())}
		for i := range l.items {
			item, err := valueOf(v.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			l.items[i] = item
		}
		return l, nil
	case reflect.Map:
		return mapValue(v, depth)
	case reflect.Struct:
		d := NewDict()
		return d, structFields(d, v, depth)
	}
	return nil, errf("a %s has no counterpart in templates", v.Kind())
}

func mapValue(v reflect.Value, depth int) (Value, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, errf("map keys must be strings, not %s", v.Type().Key())
	}
	byName := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		byName[it.Key().String()] = it.Value()
	}
	d := NewDict()
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		item, err := valueOf(byName[name].Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		d.setStr(strings.ToValidUTF8(name, "\uFFFD"), item)
	}
	return d, nil
}

// structFields adds the exported fields of v, those of embedded structs too.
func structFields(d *Dict, v reflect.Value, depth int) error {
	if depth > maxNesting {
		return limitf("nested more than %d levels deep", maxNesting)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		field := v.Field(i)
		switch {
		case name == "-" && opts == "" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "" && field.Kind() == reflect.Struct:
			if err := structFields(d, field, depth+1); err != nil {
				return err
			}
			continue
		case !f.IsExported():
			continue
		case strings.Contains(opts, "omitempty") && isEmpty(field),
			strings.Contains(opts, "omitzero") && field.IsZero():
			continue
		}
		if name == "" {
			name = f.Name
		}
		item, err := valueOf(field.Interface(), depth+1)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		d.setStr(name, item)
	}
	return nil
}

// isEmpty is what encoding/json means by omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
