package templates

import "slices"

// macro is a macro bound to the frame it was defined in.
type macro struct {
	def   *macroDef
	outer *frame
}

func (*macro) typeName() string { return "Macro" }

func (n *macroStmt) exec(m *machine) (control, error) {
	*m.slot(n.ref) = &macro{n.def, m.frame}
	m.export(n.exports)
	return flowNext, nil
}

func (n *callBlock) exec(m *machine) (control, error) {
	caller := &macro{n.def, m.frame}
	if err := m.deeper(); err != nil {
		return flowNext, at(err, n.call.pos)
	}
	v, err := m.call(n.call, caller)
	m.depth--
	if err != nil {
		return flowNext, at(err, n.call.pos)
	}
	return flowNext, at(m.writeText(v), n.call.pos)
}

func (n *generationStmt) exec(m *machine) (control, error) {
	from := len(m.buf)
	if m.capture > 0 {
		from = m.rootLen
	}
	v, err := (&macro{n.def, m.frame}).invoke(m, args{})
	if err != nil {
		return flowNext, at(err, n.def.pos)
	}
	text, _ := asText(v)
	m.spans = append(m.spans, Span{from, from + len(text)})
	return flowNext, at(m.write(text), n.def.pos)
}

// invoke runs the macro and returns its text.
func (f *macro) invoke(m *machine, a args) (Value, error) {
	if err := m.deeper(); err != nil {
		return nil, err
	}
	outer := m.frame
	m.frame = &frame{slots: make([]Value, len(f.def.fn.slots)), parent: f.outer}
	var text string
	err := f.bind(m, a)
	if err == nil {
		text, _, err = m.captured(func() (control, error) { return m.exec(f.def.body) })
	}
	m.frame = outer
	m.depth--
	if err != nil {
		return nil, err
	}
	return str(text), nil
}

// bind enters the macro's frame and fills its parameters.
func (f *macro) bind(m *machine, a args) error {
	d := f.def
	slots := m.frame.slots
	m.enter(&d.frame)
	a.names, a.vals = slices.Clone(a.names), slices.Clone(a.vals)
	given := min(len(a.pos), len(d.params))
	for i := range given {
		slots[d.paramSlots[i]] = a.pos[i]
	}
	for i := given; i < len(d.params); i++ {
		if v := a.keyword(d.params[i].name); v != nil {
			slots[d.paramSlots[i]] = v
		}
	}
	if d.caller >= 0 {
		caller := a.keyword("caller")
		if caller == nil || caller == none {
			caller = undefinedHint("No caller defined")
		}
		slots[d.caller] = caller
	}
	switch {
	case d.kwargs >= 0:
		slots[d.kwargs] = a.dict()
	case slices.Contains(a.names, "caller"):
		return errf("macro %s was invoked with two values for the special caller argument. "+
			"This is most likely a bug.", quote(d.name))
	case len(a.names) > 0:
		return errf("macro %s takes no keyword argument %s", quote(d.name), quote(a.names[0]))
	}
	switch {
	case d.varargs >= 0:
		slots[d.varargs] = &tuple{items: slices.Clone(a.pos[given:])}
	case len(a.pos) > len(d.params):
		return errf("macro %s takes not more than %d argument(s)", quote(d.name), len(d.params))
	}
	return f.defaults(m)
}

// defaults fills the parameters that got no argument.
func (f *macro) defaults(m *machine) error {
	d := f.def
	for i, p := range d.params {
		slot := &m.frame.slots[d.paramSlots[i]]
		if *slot != nil {
			continue
		}
		j := i - (len(d.params) - len(d.defaults))
		if j < 0 {
			*slot = &undefined{hint: "parameter " + quote(p.name) + " was not provided", name: str(p.name)}
			continue
		}
		v, err := m.eval(d.defaults[j])
		if err != nil {
			return err
		}
		*slot = v
	}
	return nil
}

// attr returns an attribute of a macro that templates may read, or nil.
func (f *macro) attr(name string) Value {
	switch name {
	case "name":
		if f.def.name == "" {
			return none
		}
		return str(f.def.name)
	case "arguments":
		t := &tuple{}
		for _, p := range f.def.params {
			t.items = append(t.items, str(p.name))
		}
		return t
	case "catch_kwargs":
		return boolVal(f.def.kwargs >= 0)
	case "catch_varargs":
		return boolVal(f.def.varargs >= 0)
	case "caller":
		return boolVal(f.def.caller >= 0)
	}
	return nil
}
