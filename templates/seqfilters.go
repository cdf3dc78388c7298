package templates

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

var sequenceFilters = map[string]*builtin{
	"default": fixed("value default_value? boolean?", func(m *machine, a []Value) (Value, error) {
		_, missing := a[0].(*undefined)
		if missing || a[2] != nil && truth(a[2]) && !truth(a[0]) {
			if a[1] == nil {
				return emptyStr, nil
			}
			return a[1], nil
		}
		return a[0], nil
	}),
	"length": fixed("obj", func(m *machine, a []Value) (Value, error) {
		n, err := length(a[0])
		if err == nil {
			err = m.chargeText(a[0])
		}
		return integer(n), err
	}),
	"first": fixed("seq", func(m *machine, a []Value) (Value, error) {
		it, err := m.iterate(a[0])
		if err != nil {
			return nil, err
		}
		v, err := it.next()
		if v == nil && err == nil {
			return undefinedHint("No first item, sequence was empty."), nil
		}
		return v, err
	}),
	"last":   fixed("seq", filterLast),
	"random": fixed("seq", filterRandom),
	"list": fixed("value", func(m *machine, a []Value) (Value, error) {
		items, err := m.items(a[0])
		return &list{items}, err
	}),
	"items":    fixed("value", filterItems),
	"reverse":  fixed("value", filterReverse),
	"dictsort": fixed("value case_sensitive? by? reverse?", filterDictSort),
	"sort":     fixed("value reverse? case_sensitive? attribute?", filterSort),
	"unique":   fixed("value case_sensitive? attribute?", filterUnique),
	"min":      fixed("value case_sensitive? attribute?", extreme("<")),
	"max":      fixed("value case_sensitive? attribute?", extreme(">")),
	"sum":      fixed("iterable attribute? start?", filterSum),
	"batch":    fixed("value linecount fill_with?", filterBatch),
	"slice":    fixed("value slices fill_with?", filterSlice),
	"groupby":  fixed("value attribute default? case_sensitive?", filterGroupBy),
	"attr": fixed("obj name", func(m *machine, a []Value) (Value, error) {
		name, err := wantText("attr", a[1])
		if err != nil {
			return nil, err
		}
		v, err := m.attribute(a[0], name)
		if v == nil && err == nil {
			return undefinedAttr(a[0], a[1]), nil
		}
		return v, err
	}),
}

// getter extracts what a filter works on from an item.
type getter func(Value) (Value, error)

// attrGetter follows a dotted path; numbers in it are indexes. None stands for
// the item itself. def, where set, replaces what is missing.
func (m *machine) attrGetter(path, def Value) (getter, error) {
	if path == nil || path == none {
		return func(v Value) (Value, error) { return v, nil }, nil
	}
	parts := []Value{path}
	if s, ok := asText(path); ok {
		parts = nil
		for _, p := range strings.Split(s, ".") {
			if isDigitText(p) {
				n, err := strconv.ParseInt(asciiDigits(p), 10, 64)
				if err != nil {
					return nil, errf("invalid index %s", quote(p))
				}
				parts = append(parts, integer(n))
				continue
			}
			parts = append(parts, str(p))
		}
	}
	return func(v Value) (Value, error) {
		for _, p := range parts {
			var err error
			if v, err = m.getItem(v, p); err != nil {
				return nil, err
			}
			if _, missing := v.(*undefined); missing && def != nil && def != none {
				v = def
			}
		}
		return v, nil
	}, nil
}

// folded makes a getter ignore case unless sensitive.
func folded(get getter, sensitive Value) getter {
	if sensitive != nil && truth(sensitive) {
		return get
	}
	return func(v Value) (Value, error) {
		v, err := get(v)
		if s, ok := asText(v); ok && err == nil {
			return str(lower(s)), nil
		}
		return v, err
	}
}

// keysOf applies get to every item.
func (m *machine) keysOf(items []Value, get getter) ([]Value, error) {
	if err := m.room(16 * len(items)); err != nil {
		return nil, err
	}
	keys := make([]Value, len(items))
	for i, v := range items {
		var err error
		if keys[i], err = get(v); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func filterLast(m *machine, a []Value) (Value, error) {
	if _, ok := a[0].(*undefined); ok {
		return undefinedHint("No last item, sequence was empty."), nil
	}
	if s, ok := asText(a[0]); ok && s != "" {
		r, _ := utf8.DecodeLastRuneInString(s)
		return likeText(a[0], str(r)), nil
	} else if ok {
		return undefinedHint("No last item, sequence was empty."), nil
	}
	it := m.reversed(a[0])
	if it == nil {
		return nil, errf("'%s' object is not reversible", a[0].typeName())
	}
	v, err := it.next()
	if v == nil && err == nil {
		return undefinedHint("No last item, sequence was empty."), nil
	}
	return v, err
}

func filterRandom(m *machine, a []Value) (Value, error) {
	n, err := length(a[0])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return undefinedHint("No random item, sequence was empty."), nil
	}
	v := m.index(a[0], rand.Int64N(int64(n)))
	if v == nil {
		return nil, errf("'%s' object is not subscriptable", a[0].typeName())
	}
	return v, nil
}

func filterItems(m *machine, a []Value) (Value, error) {
	return m.generator(lazily(func() (func() (Value, error), error) {
		switch x := a[0].(type) {
		case *undefined:
			return sliceNext(nil), nil
		case *Dict:
			view := &dictView{x, viewItems}
			return indexNext(x.Len(), view.item), nil
		}
		return nil, errf("Can only get item pairs from a mapping.")
	})), nil
}

// lazily defers making an iterator to its first use.
func lazily(open func() (func() (Value, error), error)) func() (Value, error) {
	var next func() (Value, error)
	return func() (Value, error) {
		if next == nil {
			var err error
			if next, err = open(); err != nil {
				return nil, err
			}
		}
		return next()
	}
}

func filterReverse(m *machine, a []Value) (Value, error) {
	if s, ok := asText(a[0]); ok {
		chars := []rune(s)
		for i, j := 0, len(chars)-1; i < j; i, j = i+1, j-1 {
			chars[i], chars[j] = chars[j], chars[i]
		}
		return likeText(a[0], str(chars)), m.room(len(s))
	}
	if it := m.reversed(a[0]); it != nil {
		return it, nil
	}
	items, err := m.items(a[0])
	if err != nil {
		return nil, errf("argument must be iterable")
	}
	out := make([]Value, len(items))
	for i, v := range items {
		out[len(items)-1-i] = v
	}
	return &list{out}, nil
}

func filterSum(m *machine, a []Value) (Value, error) {
	get, err := m.attrGetter(a[1], nil)
	if err != nil {
		return nil, err
	}
	var sum Value = integer(0)
	if a[2] != nil {
		sum = a[2]
	}
	if _, ok := asText(sum); ok {
		return nil, errf("sum() can't sum strings [use ''.join(seq) instead]")
	}
	items, err := m.items(a[0])
	if err != nil {
		return nil, err
	}
	for _, v := range items {
		if v, err = get(v); err != nil {
			return nil, err
		}
		if sum, err = m.binary("+", sum, v); err != nil {
			return nil, err
		}
	}
	return sum, nil
}
