package templates

import "unicode/utf8"

// iterator yields items once. It is also the value that lazy filters return,
// which Python calls a generator: always true, without length, used up by
// the first loop over it.
type iterator struct {
	typ  string
	pull func() (Value, error) // nil at the end
	done bool
	m    *machine // of a lazy filter, whose nesting counts as depth
}

func (it *iterator) typeName() string { return it.typ }

// newGenerator makes an iterator of a function that returns nil at the end.
func newGenerator(typ string, pull func() (Value, error)) *iterator {
	return &iterator{typ: typ, pull: pull}
}

// next returns the next item, or nil at the end.
func (it *iterator) next() (Value, error) {
	if it.done {
		return nil, nil
	}
	if it.m != nil {
		if err := it.m.deeper(); err != nil {
			return nil, err
		}
		defer func() { it.m.depth-- }()
	}
	v, err := it.pull()
	if v == nil || err != nil {
		it.done = true
	}
	return v, err
}

// generator makes the result of a lazy filter.
func (m *machine) generator(pull func() (Value, error)) *iterator {
	return &iterator{typ: "generator", pull: pull, m: m}
}

// sliceNext ranges over a slice.
func sliceNext(items []Value) func() (Value, error) {
	i := 0
	return func() (Value, error) {
		if i >= len(items) {
			return nil, nil
		}
		i++
		return items[i-1], nil
	}
}

// indexNext ranges over n items found by index.
func indexNext(n int, item func(int) Value) func() (Value, error) {
	i := 0
	return func() (Value, error) {
		if i >= n {
			return nil, nil
		}
		i++
		return item(i - 1), nil
	}
}

// iterate is Python's iter(v).
func (m *machine) iterate(v Value) (*iterator, error) {
	switch x := v.(type) {
	case *iterator:
		return x, nil
	case *list:
		return newGenerator("list_iterator", sliceNext(x.items)), nil
	case *tuple:
		return newGenerator("tuple_iterator", sliceNext(x.items)), nil
	case *Dict:
		return newGenerator("dict_keyiterator", sliceNext(x.keys)), nil
	case *dictView:
		return newGenerator(x.typeName()+"iterator", indexNext(x.d.Len(), x.item)), nil
	case *rangeVal:
		return newGenerator("range_iterator", indexNext(int(x.n), x.item)), nil
	case *undefined:
		return newGenerator("generator", sliceNext(nil)), nil
	case *loopContext:
		return newGenerator("LoopContext", func() (Value, error) {
			item, err := x.next()
			if item == nil || err != nil {
				return nil, err
			}
			return &tuple{items: []Value{item, x}}, nil
		}), nil
	}
	if s, ok := asText(v); ok {
		return newGenerator("str_iterator", runeNext(s)), nil
	}
	return nil, errf("'%s' object is not iterable", v.typeName())
}

// runeNext ranges over the characters of a string.
func runeNext(s string) func() (Value, error) {
	return func() (Value, error) {
		if s == "" {
			return nil, nil
		}
		_, n := utf8.DecodeRuneInString(s)
		c := s[:n]
		s = s[n:]
		return str(c), nil
	}
}

// items is Python's list(v) as a slice, which must not be modified.
func (m *machine) items(v Value) ([]Value, error) {
	switch x := v.(type) {
	case *list:
		return x.items, nil
	case *tuple:
		return x.items, nil
	}
	it, err := m.iterate(v)
	if err != nil {
		return nil, err
	}
	var items []Value
	for {
		item, err := it.next()
		if err != nil {
			return nil, err
		}
		if item == nil {
			return items, nil
		}
		if err := m.charge(1); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}

// reversed is Python's reversed(v) of anything but text, or nil where v has no
// order to reverse.
func (m *machine) reversed(v Value) *iterator {
	switch x := v.(type) {
	case *list:
		return reverseOf("list_reverseiterator", len(x.items), func(i int) Value { return x.items[i] })
	case *tuple:
		return reverseOf("reversed", len(x.items), func(i int) Value { return x.items[i] })
	case *Dict:
		return reverseOf("dict_reversekeyiterator", x.Len(), func(i int) Value { return x.keys[i] })
	case *dictView:
		return reverseOf("dict_reverseiterator", x.d.Len(), x.item)
	case *rangeVal:
		return reverseOf("range_iterator", int(x.n), x.item)
	}
	return nil
}

func reverseOf(typ string, n int, item func(int) Value) *iterator {
	return newGenerator(typ, indexNext(n, func(i int) Value { return item(n - 1 - i) }))
}

func (r *rangeVal) item(i int) Value { return integer(r.start + int64(i)*r.step) }
