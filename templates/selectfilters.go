package templates

import "slices"

var selectFilters = map[string]*builtin{
	"map":        variadic(filterMap),
	"select":     variadic(selector(true, false)),
	"reject":     variadic(selector(false, false)),
	"selectattr": variadic(selector(true, true)),
	"rejectattr": variadic(selector(false, true)),
}

// mapper is a lazy filter: make returns, at the first use, a function from an
// item to a result, nil where the item is dropped.
func (m *machine) mapper(src Value, make func() (getter, error)) Value {
	var it *iterator
	var fn getter
	return m.generator(func() (Value, error) {
		if it == nil {
			if !truth(src) {
				return nil, nil
			}
			var err error
			if fn, err = make(); err != nil {
				return nil, err
			}
			if it, err = m.iterate(src); err != nil {
				return nil, err
			}
		}
		for {
			v, err := it.next()
			if v == nil || err != nil {
				return nil, err
			}
			if err := m.charge(1); err != nil {
				return nil, err
			}
			if v, err = fn(v); v != nil || err != nil {
				return v, err
			}
		}
	})
}

// filterMap applies a filter, or looks up an attribute, on every item.
func filterMap(m *machine, a args) (Value, error) {
	if len(a.pos) == 0 {
		return nil, errf("map() missing required argument: 'value'")
	}
	src, rest := a.pos[0], args{a.pos[1:], slices.Clone(a.names), slices.Clone(a.vals)}
	return m.mapper(src, func() (getter, error) {
		if len(rest.pos) == 0 {
			if path := rest.keyword("attribute"); path != nil {
				def := rest.keyword("default")
				if len(rest.names) > 0 {
					return nil, errf("Unexpected keyword argument %s", quote(rest.names[0]))
				}
				return m.attrGetter(path, def)
			}
			return nil, errf("map requires a filter argument")
		}
		return m.byName(filters, "filter", rest)
	}), nil
}

// byName returns the application of a filter or test whose name is the first
// argument, with the others passed on.
func (m *machine) byName(table map[string]*builtin, what string, rest args) (getter, error) {
	name, _ := asText(rest.pos[0])
	b := table[name]
	return func(v Value) (Value, error) {
		if b == nil {
			return nil, errf("No %s named %s.", what, reprShort(rest.pos[0]))
		}
		if err := m.deeper(); err != nil {
			return nil, err
		}
		defer func() { m.depth-- }()
		pos := append([]Value{v}, rest.pos[1:]...)
		return b.invoke(m, args{pos, slices.Clone(rest.names), slices.Clone(rest.vals)})
	}, nil
}

// selector describes select, reject and their attr variants.
func selector(keep, byAttr bool) func(m *machine, a args) (Value, error) {
	return func(m *machine, a args) (Value, error) {
		if len(a.pos) == 0 {
			return nil, errf("select() missing required argument: 'value'")
		}
		src, rest := a.pos[0], args{a.pos[1:], a.names, a.vals}
		return m.mapper(src, func() (getter, error) {
			get := func(v Value) (Value, error) { return v, nil }
			if byAttr {
				if len(rest.pos) == 0 {
					return nil, errf("Missing parameter for attribute name")
				}
				var err error
				if get, err = m.attrGetter(rest.pos[0], nil); err != nil {
					return nil, err
				}
				rest.pos = rest.pos[1:]
			}
			test := func(v Value) (Value, error) { return v, nil }
			if len(rest.pos) > 0 {
				var err error
				if test, err = m.byName(tests, "test", rest); err != nil {
					return nil, err
				}
			}
			return func(v Value) (Value, error) {
				x, err := get(v)
				if err != nil {
					return nil, err
				}
				if x, err = test(x); err != nil || truth(x) != keep {
					return nil, err
				}
				return v, nil
			}, nil
		}), nil
	}
}
