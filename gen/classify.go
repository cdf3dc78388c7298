package main

import (
	"fmt"
	"strings"
)

// Binding is a function of the headers with everything decided: its family,
// its Go name, its receiver, its arguments and its results.
type Binding struct {
	*Func
	Family   string
	GoName   string // the function's or method's name
	Recv     *Arg   // nil for a plain function
	Args     []*Arg // in Go's order, the receiver left out
	Outs     []*Arg
	Order    []*Arg    // every Arg in the order of the C parameters
	Direct   *Arg      // what the C function returns, when it is not a status
	Reason   string    // for skip and hand
	Fallback string    // the function that serves where this one is missing
	Check    bool      // null handles must be refused before the call
	Precheck *Precheck // a check of bindings' own before the call, or nil
	Callback bool      // the call may run Go code
}

// Arg is one argument or result. A pointer with its length is one Arg.
type Arg struct {
	Kind     string // a key of argRows or outRows
	Name     string
	GoType   string
	CType    string
	Elem     string // the element's C type, for vectors
	Cgo      string
	Nullable bool
	Out      bool
	Guard    string // a key of guardRows, or ""
	op       string
}

// classifier decides by the headers' shapes and by go.generate alone.
type classifier struct {
	m       *Manifest
	names   names
	handles map[string]bool // C handle types, true when boxed
	enums   map[string]*Enum
	home    map[string]string // handle type -> header of its functions
}

func newClassifier(m *Manifest, api *API) *classifier {
	c := &classifier{m: m, names: names{m}, handles: map[string]bool{}, enums: map[string]*Enum{}, home: map[string]string{}}
	for _, s := range api.Structs {
		if len(s.Fields) > 0 && s.Fields[0].Name == "ctx" {
			c.handles[s.Name] = len(s.Fields) > 1
		}
	}
	for _, e := range api.Enums {
		c.enums[e.Name] = e
	}
	for _, f := range api.Funcs {
		if t, ok := strings.CutSuffix(f.Name, "_free"); ok && c.isHandle(t) {
			c.home[t] = f.Header
		}
	}
	return c
}

func (c *classifier) isHandle(name string) bool {
	_, ok := c.handles[name]
	return ok
}

// classify decides every function. One that fits no family is an error: a
// function is never skipped in silence.
func classify(m *Manifest, api *API) ([]*Binding, error) {
	if err := m.unused(api); err != nil {
		return nil, err
	}
	c := newClassifier(m, api)
	seen := map[string]string{}
	var out []*Binding
	for _, f := range api.Funcs {
		b, err := c.binding(f)
		if err != nil {
			return nil, fmt.Errorf("gen: %s.h: %s: %w", f.Header, f.Name, err)
		}
		key := b.GoName
		if b.Recv != nil {
			key = b.Recv.GoType + "." + key
		}
		if other, dup := seen[key]; dup && b.generated() {
			return nil, fmt.Errorf("gen: %s and %s would both be called %s: rename one in go.generate", other, f.Name, key)
		}
		if b.generated() {
			seen[key] = f.Name
		}
		out = append(out, b)
	}
	return out, nil
}

// generated reports whether gen writes the Go function itself.
func (b *Binding) generated() bool { return b.Family != "skip" && b.Family != "hand" }

func (c *classifier) binding(f *Func) (*Binding, error) {
	b := &Binding{Func: f, GoName: c.names.function(f.Name)}
	for _, verb := range []string{"skip", "hand"} {
		if r, ok := c.m.find(verb, f.Name); ok {
			b.Family, b.Reason = verb, r.Reason
			return b, nil
		}
	}
	if r, ok := c.m.find("fallback", f.Name); ok {
		b.Fallback = r.Words[1]
	}
	b.Check = c.m.has("nullcheck", f.Name)
	if f.Variadic {
		return nil, fmt.Errorf("is variadic: list it under hand or skip")
	}
	if err := c.args(b); err != nil {
		return nil, err
	}
	if err := c.guard(b); err != nil {
		return nil, err
	}
	if err := c.precheck(b); err != nil {
		return nil, err
	}
	c.method(b)
	if err := c.result(b); err != nil {
		return nil, err
	}
	for _, a := range b.Order {
		a.op = b.op()
	}
	b.Family = c.family(b)
	if b.Family == "" {
		return nil, fmt.Errorf("fits no family")
	}
	b.Callback = c.m.has("calls", f.Name) || !strings.HasPrefix(b.Family, "op") && !c.m.has("reads", f.Name)
	return b, nil
}

// op is the operation's name in errors.
func (b *Binding) op() string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(b.Name, "_"), "go"), "mlx_")
}

func (c *classifier) isSetter(name, typ string) bool {
	rest, ok := strings.CutPrefix(name, typ+"_set")
	return ok && c.isHandle(typ) && (rest == "" || rest[0] == '_')
}

// method makes functions on one object methods of its type: those that carry
// the type's name, live in its header and take it first.
func (c *classifier) method(b *Binding) {
	best := ""
	for t := range c.handles {
		if strings.HasPrefix(strings.TrimPrefix(b.Name, "_"), t+"_") && c.home[t] == b.Header && len(t) > len(best) {
			best = t
		}
	}
	if best == "" {
		return
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(b.Name, "_"), best+"_")
	_, renamed := c.m.find("rename", b.Name)
	if len(b.Args) > 0 && b.Args[0].CType == best && (b.Args[0].Kind == "handle" || b.Args[0].Kind == "boxed" || b.Args[0].Kind == "self") && !strings.HasPrefix(rest, "new") {
		b.Recv, b.Args = b.Args[0], b.Args[1:]
		if !renamed {
			b.GoName = c.names.camel(rest)
		}
		return
	}
	if r, ok := strings.CutPrefix(rest, "new"); ok && b.Result.Base == best && !renamed {
		b.GoName = "New" + c.names.typ(best) + c.names.camel(r)
	}
}

// result classifies what the C function returns.
func (c *classifier) result(b *Binding) error {
	t := b.Result
	d := &Arg{Name: "res", CType: t.Base, Out: true}
	switch {
	case t.Base == "void" && t.Ptr == 0:
		return nil
	case t.Base == "int" && t.Ptr == 0 && !c.m.has("value", b.Name):
		return nil // a status
	case t.Ptr == 1 && t.Base == "char":
		d.Kind = "cstring"
	case t.Ptr == 1:
		d.Kind, d.CType, d.GoType = "pointer", halfBits.Replace(t.Base), scalarRows[t.Base].goType
		if t.Base == "mlx_complex64_t" {
			d.GoType = "complex64"
		}
		if d.GoType == "" {
			return fmt.Errorf("returns %s, which no rule covers", t)
		}
	case c.handles[t.Base]:
		d.Kind, d.GoType = "boxed", c.names.typ(t.Base)
	case c.isHandle(t.Base):
		d.Kind, d.GoType = "handle", c.names.typ(t.Base)
	case c.enums[t.Base] != nil:
		d.Kind, d.GoType = "enum", c.names.typ(t.Base)
	case t.Base == "bool" || t.Base == "float" || t.Base == "double":
		d.Kind = t.Base
	case scalarRows[t.Base].goType != "":
		d.Kind, d.GoType = "scalar", scalarRows[t.Base].goType
	default:
		return fmt.Errorf("returns %s, which no rule covers", t)
	}
	b.Direct = d
	return nil
}

// family names the shape of a function. The names stand in the lock file.
func (c *classifier) family(b *Binding) string {
	last := ""
	if n := len(b.Params); n > 0 && b.Params[n-1].Type.Ptr == 0 {
		last = b.Params[n-1].Type.Base
	}
	out := ""
	for _, o := range b.Outs {
		out += " " + o.Kind + ":" + o.GoType
	}
	container := b.Header == "vector" || b.Header == "map"
	switch {
	case strings.HasSuffix(b.Name, "_free"):
		return "free"
	case b.Direct != nil && b.Direct.Kind == "pointer", b.Direct != nil && b.Direct.Kind == "cstring":
		return "pointer"
	case b.Direct != nil && (b.Direct.Kind == "handle" || b.Direct.Kind == "boxed"):
		return "constructor"
	case b.Direct != nil:
		return "value"
	case len(b.Order) > 0 && b.Order[0].Kind == "self":
		return "set"
	case container:
		return "container"
	case last == "mlx_stream" && out == " handle:Array":
		return "op array"
	case last == "mlx_stream" && out == " handles:Array":
		return "op vector"
	case last == "mlx_stream" && strings.HasPrefix(out, " handle:Array"):
		return "op arrays"
	case last == "mlx_stream" && len(b.Outs) > 0 && b.Header == "io":
		return "load"
	case out == "":
		return "status"
	case len(b.Outs) == 1 && (b.Outs[0].Kind == "scalar" || b.Outs[0].Kind == "enum" || b.Outs[0].Kind == "bool" || b.Outs[0].Kind == "float" || b.Outs[0].Kind == "double" || b.Outs[0].Kind == "complex" || b.Outs[0].Kind == "string" || b.Outs[0].Kind == "cstring"):
		return "scalar"
	default:
		return "handle"
	}
}
