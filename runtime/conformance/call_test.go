package conformance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"forge.lthn.ai/core/go-mlx/bindings"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var (
	scopeType  = reflect.TypeFor[*mlx.Scope]()
	arrayType  = reflect.TypeFor[mlx.Array]()
	arraysType = reflect.TypeFor[[]mlx.Array]()
)

// parameters lists the types of the parameters of a Scope's method.
func parameters(op string) []reflect.Type {
	m, ok := scopeType.MethodByName(op)
	if !ok {
		panic("Scope has no method " + op)
	}
	var out []reflect.Type
	for i := 1; i < m.Type.NumIn(); i++ {
		out = append(out, m.Type.In(i))
	}
	return out
}

// call calls a Scope's method by its name. A variadic one takes a slice.
func call(s *mlx.Scope, op string, args []reflect.Value) []mlx.Array {
	m := reflect.ValueOf(s).MethodByName(op)
	f := m.Call
	if m.Type().IsVariadic() {
		f = m.CallSlice
	}
	var out []mlx.Array
	for _, v := range f(args) {
		if v.Type() == arraysType {
			out = append(out, v.Interface().([]mlx.Array)...)
		} else {
			out = append(out, v.Interface().(mlx.Array))
		}
	}
	return out
}

var groupType = reflect.TypeFor[*mlx.Group]()

// withGroup calls f with the group of this process alone, if op takes a group.
func withGroup(th *mlx.Thread, op string, f func(g *mlx.Group) error) error {
	if !slices.Contains(parameters(op), groupType) {
		return f(nil)
	}
	g, err := mlx.InitDistributed(th, "any", false)
	if err != nil {
		return err
	}
	defer g.Close()
	return f(g)
}

// decoder turns recorded arguments into Go values; array i of the file is
// arrays(i).
type decoder struct {
	group  *mlx.Group
	arrays func(i int) (mlx.Array, error)
}

func (d decoder) all(op string, in []json.RawMessage) ([]reflect.Value, error) {
	params := parameters(op)
	if len(in) != len(params) {
		return nil, fmt.Errorf("%s takes %d arguments, not %d", op, len(params), len(in))
	}
	var out []reflect.Value
	for i, raw := range in {
		v, err := d.one(raw, params[i])
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func (d decoder) one(raw json.RawMessage, to reflect.Type) (reflect.Value, error) {
	null := string(raw) == "null"
	v := reflect.New(to)
	switch p := v.Interface().(type) {
	case *mlx.Array:
		var at *int
		if err := json.Unmarshal(raw, &at); err != nil || at == nil {
			return v.Elem(), err
		}
		a, err := d.arrays(*at)
		*p = a
		return v.Elem(), err
	case *[]mlx.Array:
		var at []int
		if err := json.Unmarshal(raw, &at); err != nil {
			return v.Elem(), err
		}
		for _, i := range at {
			a, err := d.arrays(i)
			if err != nil {
				return v.Elem(), err
			}
			*p = append(*p, a)
		}
		return v.Elem(), nil
	case *float32, *float64:
		return decodeFloat(raw, to)
	case *mlx.Dtype:
		return v.Elem(), json.Unmarshal(raw, (*dtypeName)(p))
	case *mlx.OptionalInt:
		p.Valid = !null
		return v.Elem(), json.Unmarshal(raw, &p.Value)
	case *mlx.OptionalFloat:
		p.Valid = !null
		return v.Elem(), json.Unmarshal(raw, &p.Value)
	case *mlx.OptionalDtype:
		p.Valid = !null
		return v.Elem(), json.Unmarshal(raw, (*dtypeName)(&p.Value))
	case *bindings.FFTNorm:
		*p = map[string]bindings.FFTNorm{`"backward"`: bindings.FFTNormBackward, `"ortho"`: bindings.FFTNormOrtho, `"forward"`: bindings.FFTNormForward}[string(raw)]
		return v.Elem(), nil
	case **mlx.Group: // all processes, of which there is one
		*p = d.group
		return v.Elem(), nil
	default:
		return v.Elem(), json.Unmarshal(raw, p)
	}
}

// decodeFloat reads a number, or the text of one that JSON has not.
func decodeFloat(raw json.RawMessage, to reflect.Type) (reflect.Value, error) {
	text := string(raw)
	if s, err := strconv.Unquote(text); err == nil {
		text = s
	}
	f, err := strconv.ParseFloat(text, 64)
	return reflect.ValueOf(f).Convert(to), err
}
