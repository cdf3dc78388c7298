package templates

func (n *dataExpr) eval(*machine) (Value, error)  { return str(n.text), nil }
func (n *constExpr) eval(*machine) (Value, error) { return n.val, nil }

func (n *nameExpr) eval(m *machine) (Value, error) { return m.eval(n) }

func (n *nsExpr) eval(*machine) (Value, error) {
	return nil, errf("a namespace attribute can only be assigned to")
}

func (n *tupleExpr) eval(m *machine) (Value, error) {
	items, err := m.evalAll(n.items)
	if err != nil {
		return nil, err
	}
	return &tuple{items: items}, nil
}

func (n *listExpr) eval(m *machine) (Value, error) {
	items, err := m.evalAll(n.items)
	if err != nil {
		return nil, err
	}
	return &list{items}, nil
}

func (n *dictExpr) eval(m *machine) (Value, error) {
	d := NewDict()
	for i, k := range n.keys {
		key, err := m.eval(k)
		if err != nil {
			return nil, err
		}
		val, err := m.eval(n.vals[i])
		if err != nil {
			return nil, err
		}
		if err := m.chargeText(key); err != nil {
			return nil, err
		}
		if err := d.set(key, val); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (n *condExpr) eval(m *machine) (Value, error) {
	test, err := m.eval(n.test)
	if err != nil {
		return nil, err
	}
	if truth(test) {
		return m.eval(n.then)
	}
	if n.other == nil {
		return undefinedHint("the inline if-expression evaluated to false and no else section was defined."), nil
	}
	return m.eval(n.other)
}

func (n *logicExpr) eval(m *machine) (Value, error) {
	v, err := m.eval(n.l)
	if err != nil || truth(v) == n.or {
		return v, err
	}
	return m.eval(n.r)
}

func (n *notExpr) eval(m *machine) (Value, error) {
	v, err := m.eval(n.x)
	if err != nil {
		return nil, err
	}
	return boolVal(!truth(v)), nil
}

func (n *binExpr) eval(m *machine) (Value, error) {
	l, err := m.eval(n.l)
	if err != nil {
		return nil, err
	}
	r, err := m.eval(n.r)
	if err != nil {
		return nil, err
	}
	return m.binary(n.op, l, r)
}

func (n *unaryExpr) eval(m *machine) (Value, error) {
	v, err := m.eval(n.x)
	if err != nil {
		return nil, err
	}
	return unary(n.op, v)
}

func (n *compareExpr) eval(m *machine) (Value, error) {
	l, err := m.eval(n.first)
	if err != nil {
		return nil, err
	}
	for i, op := range n.ops {
		r, err := m.eval(n.rest[i])
		if err != nil {
			return nil, err
		}
		ok, err := m.compare(op, l, r)
		if err != nil {
			return nil, err
		}
		if !ok {
			return falseVal, nil
		}
		l = r
	}
	return trueVal, nil
}

func (n *concatExpr) eval(m *machine) (Value, error) {
	f, head := formatter{m: m}, ""
	for i, x := range n.items {
		v, err := m.eval(x)
		if err != nil {
			return nil, err
		}
		if s, ok := asText(v); ok && i == 0 && len(s) >= growFrom {
			head = s
		} else if err := f.str(v); err != nil {
			return nil, err
		}
	}
	if head == "" {
		return str(f.buf), nil
	}
	text, err := m.join(head, string(f.buf))
	return str(text), err
}

func (n *attrExpr) eval(m *machine) (Value, error) {
	obj, err := m.eval(n.obj)
	if err != nil {
		return nil, err
	}
	return m.getAttr(obj, n.name, n.key)
}

func (n *itemExpr) eval(m *machine) (Value, error) {
	obj, err := m.eval(n.obj)
	if err != nil {
		return nil, err
	}
	arg, err := m.eval(n.arg)
	if err != nil {
		return nil, err
	}
	return m.getItem(obj, arg)
}

func (n *sliceExpr) eval(m *machine) (Value, error) {
	obj, err := m.eval(n.obj)
	if err != nil {
		return nil, err
	}
	var parts [3]Value
	for i, x := range []expr{n.start, n.stop, n.step} {
		parts[i] = none
		if x != nil {
			if parts[i], err = m.eval(x); err != nil {
				return nil, err
			}
		}
	}
	return m.slice(obj, parts[0], parts[1], parts[2])
}

func (n *callExpr) eval(m *machine) (Value, error) { return m.call(n, nil) }

func (n *filterExpr) eval(m *machine) (Value, error) {
	v, err := m.eval(n.x)
	if err != nil {
		return nil, err
	}
	return n.apply(m, v)
}

// apply runs the filter on v.
func (n *filterExpr) apply(m *machine, v Value) (Value, error) {
	if n.fn == nil {
		return nil, errf("No filter named %s found.", quote(n.name))
	}
	a, err := m.arguments(&n.callArgs, v)
	if err != nil {
		return nil, err
	}
	return n.fn.invoke(m, a)
}

func (n *testExpr) eval(m *machine) (Value, error) {
	v, err := m.eval(n.x)
	if err != nil {
		return nil, err
	}
	if n.fn == nil {
		return nil, errf("No test named %s found.", quote(n.name))
	}
	a, err := m.arguments(&n.callArgs, v)
	if err != nil {
		return nil, err
	}
	return n.fn.invoke(m, a)
}
