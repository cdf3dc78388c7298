package main

import (
	"fmt"
	"strings"
)

// args groups the C parameters into arguments and results.
func (c *classifier) args(b *Binding) error {
	for i := 0; i < len(b.Params); i++ {
		p := b.Params[i]
		var next *Param
		if i+1 < len(b.Params) {
			next = &b.Params[i+1]
		}
		a, used, err := c.arg(b, i, p, next)
		if err != nil {
			return err
		}
		i += used - 1
		b.Order = append(b.Order, a)
		if a.Out {
			b.Outs = append(b.Outs, a)
		} else {
			b.Args = append(b.Args, a)
		}
	}
	return nil
}

// arg classifies one parameter and says how many C parameters it took.
func (c *classifier) arg(b *Binding, i int, p Param, next *Param) (*Arg, int, error) {
	t := p.Type
	a := &Arg{Name: c.names.param(p.Name), CType: halfBits.Replace(t.Base), Nullable: p.Nullable}
	counted := next != nil && (next.Type.Base == "size_t" || next.Type.Base == "int" && next.Name == "dim") && next.Type.Ptr == 0
	switch {
	case i == 0 && t.Ptr == 1 && c.isSetter(b.Name, t.Base):
		a.Kind, a.GoType = "self", c.names.typ(t.Base)
	case t.Ptr == 1 && !t.Const && (!counted || next.Name != "size") || t.Ptr == 2 && t.Base == "char" && !counted:
		return c.out(b, a, t)
	case t.Ptr == 2 && t.Base == "char":
		a.Kind = "stringsdata"
		return a, 2, nil
	case t.Ptr == 1 && t.Base == "char" && p.Nullable:
		a.Kind = "nullstring"
	case t.Ptr == 1 && t.Base == "char":
		a.Kind = "string"
	case t.Ptr == 1 && t.Base == "void":
		a.Kind = "bytes"
	case t.Ptr == 1 && c.isHandle(t.Base) && counted:
		a.Kind, a.GoType = "handlesdata", c.names.typ(t.Base)
		return a, 2, nil
	case t.Ptr == 1 && scalarRows[t.Base].goType != "" && counted:
		a.Kind, a.GoType, a.Cgo = "numbers", scalarRows[t.Base].goType, scalarRows[t.Base].cgo
		if next.Type.Base == "int" {
			a.Kind = "dims"
		}
		return a, 2, nil
	case t.Ptr == 0:
		return c.value(b, a, t)
	default:
		return nil, 0, fmt.Errorf("parameter %s has type %s, which no rule covers", p.Name, t)
	}
	return a, 1, nil
}

// value classifies a parameter passed by value.
func (c *classifier) value(b *Binding, a *Arg, t Type) (*Arg, int, error) {
	raw := b.Header == "vector" || b.Header == "map"
	switch elem, isVector := strings.CutPrefix(t.Base, "mlx_vector_"); {
	case t.Base == "mlx_vector_string" && !raw:
		a.Kind = "strings"
	case t.Base == "mlx_map_string_to_array" && !raw:
		a.Kind = "arraymap"
	case t.Base == "mlx_map_string_to_string" && !raw:
		a.Kind = "stringmap"
	case isVector && !raw && c.isHandle("mlx_"+elem):
		a.Kind, a.Elem, a.GoType = "handles", "mlx_"+elem, c.names.typ("mlx_"+elem)
	case c.handles[t.Base]:
		a.Kind, a.GoType = "boxed", c.names.typ(t.Base)
	case c.isHandle(t.Base):
		a.Kind, a.GoType = "handle", c.names.typ(t.Base)
	case c.enums[t.Base] != nil:
		a.Kind, a.GoType = "enum", c.names.typ(t.Base)
	case t.Base == "mlx_optional_dtype":
		a.Kind, a.GoType = "optionalenum", c.names.typ(t.Base)
	case strings.HasPrefix(t.Base, "mlx_optional_"):
		a.Kind, a.GoType, a.Cgo = "optional", c.names.typ(t.Base), strings.TrimPrefix(t.Base, "mlx_optional_")
	case scalarRows[t.Base].goType != "":
		a.Kind, a.GoType, a.Cgo = "scalar", scalarRows[t.Base].goType, scalarRows[t.Base].cgo
	default:
		return nil, 0, fmt.Errorf("parameter %s has type %s, which no rule covers", a.Name, t)
	}
	return a, 1, nil
}

// out classifies a parameter that the function fills.
func (c *classifier) out(b *Binding, a *Arg, t Type) (*Arg, int, error) {
	a.Out = true
	if t.Ptr == 2 {
		a.Kind = "cstring"
		return a, 1, nil
	}
	raw := b.Header == "vector" || b.Header == "map"
	switch elem, isVector := strings.CutPrefix(t.Base, "mlx_vector_"); {
	case t.Base == "mlx_string":
		a.Kind = "string"
	case t.Base == "mlx_vector_string" && !raw:
		a.Kind = "strings"
	case t.Base == "mlx_vector_int" && !raw:
		a.Kind = "numbers"
	case t.Base == "mlx_map_string_to_array" && !raw:
		a.Kind = "arraymap"
	case t.Base == "mlx_map_string_to_string" && !raw:
		a.Kind = "stringmap"
	case isVector && !raw && c.isHandle("mlx_"+elem):
		a.Kind, a.Elem, a.GoType = "handles", elem, c.names.typ("mlx_"+elem)
	case c.isHandle(t.Base):
		a.Kind, a.GoType = "handle", c.names.typ(t.Base)
	case c.enums[t.Base] != nil:
		a.Kind, a.GoType = "enum", c.names.typ(t.Base)
	case t.Base == "mlx_complex64_t":
		a.Kind = "complex"
	case t.Base == "float" || t.Base == "double" || t.Base == "bool":
		a.Kind = t.Base
	case scalarRows[t.Base].goType != "":
		a.Kind, a.GoType = "scalar", scalarRows[t.Base].goType
	default:
		return nil, 0, fmt.Errorf("parameter %s has type %s, which no rule covers", a.Name, t)
	}
	return a, 1, nil
}
