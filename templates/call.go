package templates

import (
	"slices"
	"strings"
)

// args are evaluated arguments of a call.
type args struct {
	pos   []Value
	names []string
	vals  []Value // parallel to names
}

// keyword removes and returns a keyword argument, or nil.
func (a *args) keyword(name string) Value {
	i := slices.Index(a.names, name)
	if i < 0 {
		return nil
	}
	v := a.vals[i]
	a.names = slices.Delete(a.names, i, i+1)
	a.vals = slices.Delete(a.vals, i, i+1)
	return v
}

// dict returns the keyword arguments as a mapping.
func (a *args) dict() *Dict {
	d := NewDict()
	for i, name := range a.names {
		d.setStr(name, a.vals[i])
	}
	return d
}

// builtin is a function of the engine. params lists its parameters in order,
// optional ones with a question mark behind; "*" accepts any arguments.
type builtin struct {
	name   string
	params []string
	need   int
	any    bool
	strict bool                                       // takes no keyword arguments
	fn     func(m *machine, a []Value) (Value, error) // a has one entry per parameter, nil where absent
	fnAny  func(m *machine, a args) (Value, error)    // where any
	recv   Value                                      // of a bound method
}

func (b *builtin) typeName() string {
	if b.recv != nil {
		return "builtin_function_or_method"
	}
	return "function"
}

// fixed describes a function with the given parameters, separated by blanks.
func fixed(params string, fn func(m *machine, a []Value) (Value, error)) *builtin {
	b := &builtin{fn: fn}
	for _, p := range strings.Fields(params) {
		name, optional := strings.CutSuffix(p, "?")
		b.params = append(b.params, name)
		if !optional {
			b.need++
		}
	}
	return b
}

// positional makes b refuse keyword arguments.
func positional(b *builtin) *builtin {
	b.strict = true
	return b
}

// variadic describes a function that sorts out its arguments itself.
func variadic(fn func(m *machine, a args) (Value, error)) *builtin {
	return &builtin{any: true, fnAny: fn}
}

// invoke calls b, binding the arguments to its parameters.
func (b *builtin) invoke(m *machine, a args) (Value, error) {
	if b.recv != nil {
		a.pos = append([]Value{b.recv}, a.pos...)
	}
	if b.any {
		return b.fnAny(m, a)
	}
	if len(a.pos) > len(b.params) {
		return nil, errf("%s() takes %d positional arguments but %d were given", b.name, len(b.params), len(a.pos))
	}
	if len(a.names) == 0 && len(a.pos) == len(b.params) {
		return b.fn(m, a.pos)
	}
	bound := make([]Value, len(b.params))
	copy(bound, a.pos)
	if b.strict && len(a.names) > 0 {
		return nil, errf("%s() takes no keyword arguments", b.name)
	}
	for i, name := range a.names {
		j := slices.Index(b.params, name)
		switch {
		case j < 0 || b.recv != nil && j == 0:
			return nil, errf("%s() got an unexpected keyword argument %s", b.name, quote(name))
		case bound[j] != nil:
			return nil, errf("%s() got multiple values for argument %s", b.name, quote(name))
		}
		bound[j] = a.vals[i]
	}
	for i, v := range bound[:b.need] {
		if v == nil {
			return nil, errf("%s() missing required argument: %s", b.name, quote(b.params[i]))
		}
	}
	return b.fn(m, bound)
}

// arguments evaluates call arguments, with the given values in front.
func (m *machine) arguments(c *callArgs, first ...Value) (args, error) {
	var a args
	if n := len(first) + len(c.list); n > 0 {
		a.pos = make([]Value, 0, n)
	}
	a.pos = append(a.pos, first...)
	for _, x := range c.list {
		v, err := m.eval(x)
		if err != nil {
			return a, err
		}
		a.pos = append(a.pos, v)
	}
	if len(c.names) > 0 {
		vals, err := m.evalAll(c.vals)
		if err != nil {
			return a, err
		}
		a.names, a.vals = c.names, vals
	}
	if c.dynPos == nil && c.dynMap == nil {
		return a, nil
	}
	return a, m.dynamicArgs(c, &a)
}

// dynamicArgs adds *args and **kwargs.
func (m *machine) dynamicArgs(c *callArgs, a *args) error {
	a.names = slices.Clone(a.names)
	if c.dynPos != nil {
		v, err := m.eval(c.dynPos)
		if err != nil {
			return err
		}
		items, err := m.items(v)
		if err != nil {
			return err
		}
		if err := m.charge(len(items)); err != nil {
			return err
		}
		a.pos = append(a.pos, items...)
	}
	if c.dynMap == nil {
		return nil
	}
	v, err := m.eval(c.dynMap)
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return errf("argument after ** must be a mapping, not %s", v.typeName())
	}
	if err := m.charge(d.Len() * d.Len() >> 6); err != nil {
		return err
	}
	for k, v := range d.All() {
		name, ok := asText(k)
		if !ok {
			return errf("keywords must be strings")
		}
		if slices.Contains(a.names, name) {
			return errf("got multiple values for keyword argument %s", quote(name))
		}
		a.names, a.vals = append(a.names, name), append(a.vals, v)
	}
	return nil
}

// call evaluates a call expression. caller, where set, is passed on as the
// keyword of that name.
func (m *machine) call(n *callExpr, caller Value) (Value, error) {
	if attr, ok := n.fn.(*attrExpr); ok && caller == nil {
		return m.callMethod(n, attr)
	}
	fn, err := m.eval(n.fn)
	if err != nil {
		return nil, err
	}
	a, err := m.arguments(&n.callArgs)
	if err != nil {
		return nil, err
	}
	if caller != nil {
		if slices.Contains(a.names, "caller") {
			return nil, errf("got multiple values for keyword argument 'caller'")
		}
		a.names, a.vals = append(slices.Clone(a.names), "caller"), append(a.vals, caller)
	}
	return m.invoke(fn, a)
}

// callMethod calls obj.name(...) without making a value of the bound method.
func (m *machine) callMethod(n *callExpr, attr *attrExpr) (Value, error) {
	obj, err := m.eval(attr.obj)
	if err != nil {
		return nil, err
	}
	b := method(obj, attr.name)
	if b == nil {
		fn, err := m.getAttr(obj, attr.name, attr.key)
		if err != nil {
			return nil, at(err, attr.pos)
		}
		a, err := m.arguments(&n.callArgs)
		if err != nil {
			return nil, err
		}
		return m.invoke(fn, a)
	}
	a, err := m.arguments(&n.callArgs, obj)
	if err != nil {
		return nil, err
	}
	return b.invoke(m, a)
}

// invoke calls a value.
func (m *machine) invoke(fn Value, a args) (Value, error) {
	switch f := fn.(type) {
	case *builtin:
		return f.invoke(m, a)
	case *macro:
		return f.invoke(m, a)
	case *undefined:
		return nil, f.fail()
	case *loopContext:
		return f.recurse(m, a)
	case *joiner:
		return f.next(), nil
	case dictFactory:
		return m.makeDict(a)
	case blockRef:
		return m.runBlock(f.def)
	}
	return nil, errf("'%s' object is not callable", fn.typeName())
}
