package templates

// exec runs statements until one leaves a loop.
func (m *machine) exec(body []stmt) (control, error) {
	for _, s := range body {
		if flow, err := s.exec(m); flow != flowNext || err != nil {
			return flow, err
		}
	}
	return flowNext, nil
}

func (n *outputStmt) exec(m *machine) (control, error) {
	for _, x := range n.items {
		if d, ok := x.(*dataExpr); ok {
			if err := m.write(d.text); err != nil {
				return flowNext, at(err, d.pos)
			}
			continue
		}
		v, err := m.eval(x)
		if err != nil {
			return flowNext, err
		}
		if err := m.print(v); err != nil {
			return flowNext, at(err, x.place())
		}
	}
	return flowNext, nil
}

// print writes str(v).
func (m *machine) print(v Value) error {
	if s, ok := asText(v); ok {
		return m.write(s)
	}
	f := formatter{m: m}
	if err := f.str(v); err != nil {
		return err
	}
	return m.write(string(f.buf))
}

// writeText writes the result of a filter or call block, which must be text.
func (m *machine) writeText(v Value) error {
	s, ok := asText(v)
	if !ok {
		return errf("expected str instance, %s found", v.typeName())
	}
	return m.write(s)
}

func (n *ifStmt) exec(m *machine) (control, error) {
	v, err := m.eval(n.test)
	if err != nil {
		return flowNext, err
	}
	if truth(v) {
		return m.exec(n.body)
	}
	for _, e := range n.elifs {
		v, err := m.eval(e.test)
		if err != nil {
			return flowNext, err
		}
		if truth(v) {
			return m.exec(e.body)
		}
	}
	return m.exec(n.other)
}

func (n *assignStmt) exec(m *machine) (control, error) {
	if err := m.checkNamespaces(n.target); err != nil {
		return flowNext, err
	}
	v, err := m.eval(n.val)
	if err != nil {
		return flowNext, err
	}
	if err := m.assign(n.target, v); err != nil {
		return flowNext, at(err, n.pos)
	}
	m.export(n.exports)
	return flowNext, nil
}

// checkNamespaces refuses ns.attr targets on anything else before the value is
// computed.
func (m *machine) checkNamespaces(target expr) error {
	switch n := target.(type) {
	case *nsExpr:
		if _, ok := (*m.slot(n.ref)).(*namespace); !ok {
			return at(errf("cannot assign attribute on non-namespace object"), n.pos)
		}
	case *tupleExpr:
		for _, item := range n.items {
			if err := m.checkNamespaces(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// assign stores v in a target, unpacking it where the target is a tuple.
func (m *machine) assign(target expr, v Value) error {
	switch n := target.(type) {
	case *nameExpr:
		*m.slot(n.ref) = v
	case *nsExpr:
		ns, ok := (*m.slot(n.ref)).(*namespace)
		if !ok {
			return errf("cannot assign attribute on non-namespace object")
		}
		return ns.set(n.attr, v)
	case *tupleExpr:
		items, err := m.unpack(v, len(n.items))
		if err != nil {
			return err
		}
		for i, item := range n.items {
			if err := m.assign(item, items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// unpack returns exactly n items of v.
func (m *machine) unpack(v Value, n int) ([]Value, error) {
	if _, err := m.iterate(v); err != nil {
		return nil, errf("cannot unpack non-iterable %s object", v.typeName())
	}
	items, err := m.items(v)
	switch {
	case err != nil:
		return nil, err
	case len(items) < n:
		return nil, errf("not enough values to unpack (expected %d, got %d)", n, len(items))
	case len(items) > n:
		return nil, errf("too many values to unpack (expected %d)", n)
	}
	return items, nil
}

// export records top-level assignments for blocks.
func (m *machine) export(names []export) {
	if len(m.t.blocks) == 0 {
		return
	}
	if m.vars == nil {
		m.vars = map[string]Value{}
	}
	for _, e := range names {
		if v := *m.slot(e.ref); v != nil {
			m.vars[e.name] = v
		}
	}
}

func (n *assignBlock) exec(m *machine) (control, error) {
	m.enter(&n.frame)
	text, flow, err := m.captured(func() (control, error) { return m.exec(n.body) })
	if err != nil || flow != flowNext {
		return flow, err
	}
	var v Value = str(text)
	if n.filter != nil {
		if v, err = m.filterText(n.filter, v); err != nil {
			return flowNext, err
		}
	}
	if err := m.checkNamespaces(n.target); err != nil {
		return flowNext, err
	}
	if err := m.assign(n.target, v); err != nil {
		return flowNext, at(err, n.pos)
	}
	m.export(n.exports)
	m.leave(&n.frame)
	return flowNext, nil
}

// filterText applies a chain of filters to text.
func (m *machine) filterText(f *filterExpr, v Value) (Value, error) {
	if inner, ok := f.x.(*filterExpr); ok {
		var err error
		if v, err = m.filterText(inner, v); err != nil {
			return nil, err
		}
	}
	if err := m.deeper(); err != nil {
		return nil, at(err, f.pos)
	}
	v, err := f.apply(m, v)
	m.depth--
	return v, at(err, f.pos)
}

func (n *filterBlock) exec(m *machine) (control, error) {
	m.enter(&n.frame)
	text, flow, err := m.captured(func() (control, error) { return m.exec(n.body) })
	if err != nil || flow != flowNext {
		return flow, err
	}
	v, err := m.filterText(n.filter, str(text))
	if err != nil {
		return flowNext, err
	}
	m.leave(&n.frame)
	return flowNext, at(m.writeText(v), n.filter.pos)
}

func (n *withStmt) exec(m *machine) (control, error) {
	m.enter(&n.frame)
	for i, t := range n.targets {
		v, err := m.eval(n.vals[i])
		if err != nil {
			return flowNext, err
		}
		if err := m.assign(t, v); err != nil {
			return flowNext, at(err, t.place())
		}
	}
	flow, err := m.exec(n.body)
	m.leave(&n.frame)
	return flow, err
}

func (n *breakStmt) exec(*machine) (control, error)    { return flowBreak, nil }
func (n *continueStmt) exec(*machine) (control, error) { return flowContinue, nil }

func (n *missingStmt) exec(m *machine) (control, error) {
	if _, err := m.evalAll(n.args); err != nil {
		return flowNext, err
	}
	return flowNext, at(errf("no loader for this environment specified: %s has nothing to load from", n.tag), n.pos)
}
