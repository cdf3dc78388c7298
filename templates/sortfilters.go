package templates

import "strings"

func filterDictSort(m *machine, a []Value) (Value, error) {
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, noAttribute(a[0], "items")
	}
	by := "key"
	if a[2] != nil {
		by, _ = asText(a[2])
	}
	keys := d.keys
	if by == "value" {
		keys = d.vals
	} else if by != "key" {
		return nil, errf(`You can only sort by either "key" or "value"`)
	}
	id := func(v Value) (Value, error) { return v, nil }
	keys, err := m.keysOf(keys, folded(id, a[1]))
	if err != nil {
		return nil, err
	}
	view := &dictView{d, viewItems}
	items := make([]Value, d.Len())
	for i := range items {
		items[i] = view.item(i)
	}
	reverse, err := optFlag(a[3])
	if err != nil {
		return nil, err
	}
	items, err = m.sortBy(items, keys, reverse)
	return &list{items}, err
}

// optFlag returns an optional boolean, which may be an integer but nothing else.
func optFlag(v Value) (bool, error) {
	n, err := optInt(v, 0)
	return n != 0, err
}

func filterSort(m *machine, a []Value) (Value, error) {
	items, err := m.items(a[0])
	if err != nil {
		return nil, err
	}
	paths := []Value{orNone(a[3])}
	if s, ok := asText(paths[0]); ok {
		paths = nil
		for _, p := range strings.Split(s, ",") {
			paths = append(paths, str(p))
		}
	}
	gets := make([]getter, len(paths))
	for i, p := range paths {
		get, err := m.attrGetter(p, nil)
		if err != nil {
			return nil, err
		}
		gets[i] = folded(get, a[2])
	}
	keys, err := m.keysOf(items, func(v Value) (Value, error) {
		parts := make([]Value, len(gets))
		for i, get := range gets {
			var err error
			if parts[i], err = get(v); err != nil {
				return nil, err
			}
		}
		return &list{parts}, nil
	})
	if err != nil {
		return nil, err
	}
	reverse, err := optFlag(a[1])
	if err != nil {
		return nil, err
	}
	items, err = m.sortBy(items, keys, reverse)
	return &list{items}, err
}

func filterUnique(m *machine, a []Value) (Value, error) {
	get, err := m.attrGetter(a[2], nil)
	if err != nil {
		return nil, err
	}
	get = folded(get, a[1])
	seen := NewDict()
	var src *iterator
	return m.generator(func() (Value, error) {
		if src == nil {
			var err error
			if src, err = m.iterate(a[0]); err != nil {
				return nil, err
			}
		}
		for {
			v, err := src.next()
			if v == nil || err != nil {
				return nil, err
			}
			key, err := get(v)
			if err != nil {
				return nil, err
			}
			if err := m.chargeText(key); err != nil {
				return nil, err
			}
			if old, err := seen.get(key); err != nil {
				return nil, err
			} else if old == nil {
				return v, seen.set(key, none)
			}
			if err := m.charge(1); err != nil {
				return nil, err
			}
		}
	}), nil
}

// extreme is min or max: the first item that no other one beats.
func extreme(op string) func(m *machine, a []Value) (Value, error) {
	return func(m *machine, a []Value) (Value, error) {
		items, err := m.items(a[0])
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return undefinedHint("No aggregated item, sequence was empty."), nil
		}
		get, err := m.attrGetter(a[2], nil)
		if err != nil {
			return nil, err
		}
		keys, err := m.keysOf(items, folded(get, a[1]))
		if err != nil {
			return nil, err
		}
		best := 0
		for i := 1; i < len(items); i++ {
			better, err := m.ordered(op, keys[i], keys[best], 0)
			if err != nil {
				return nil, err
			}
			if better {
				best = i
			}
		}
		return items[best], nil
	}
}

func filterBatch(m *machine, a []Value) (Value, error) {
	size, err := optInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	var src *iterator
	var held Value
	return m.generator(func() (Value, error) {
		var err error
		if src == nil {
			if src, err = m.iterate(a[0]); err != nil {
				return nil, err
			}
			if held, err = src.next(); err != nil {
				return nil, err
			}
			if size == 0 && held != nil { // Python yields one empty batch first
				size = -1
				return &list{}, nil
			}
		}
		if held == nil {
			return nil, nil
		}
		batch := []Value{}
		for held != nil && (len(batch) != size || len(batch) == 0) {
			batch = append(batch, held)
			if held, err = src.next(); err != nil {
				return nil, err
			}
			if err := m.charge(1); err != nil {
				return nil, err
			}
		}
		if held == nil && a[2] != nil && a[2] != none && len(batch) < size {
			if err := m.room(16 * size); err != nil {
				return nil, err
			}
			for len(batch) < size {
				batch = append(batch, a[2])
			}
		}
		return &list{batch}, nil
	}), nil
}

func filterSlice(m *machine, a []Value) (Value, error) {
	slices, err := optInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	return m.generator(lazily(func() (func() (Value, error), error) {
		items, err := m.items(a[0])
		if err != nil {
			return nil, err
		}
		if slices == 0 {
			return nil, errf("integer division or modulo by zero")
		}
		n, offset := 0, 0
		return func() (Value, error) {
			if n >= slices {
				return nil, nil
			}
			if err := m.charge(16); err != nil {
				return nil, err
			}
			per, extra := len(items)/slices, len(items)%slices
			start := offset + n*per
			if n < extra {
				offset++
			}
			part := append([]Value{}, items[start:offset+(n+1)*per]...)
			if a[2] != nil && a[2] != none && n >= extra {
				part = append(part, a[2])
			}
			n++
			return &list{part}, nil
		}, nil
	})), nil
}

func filterGroupBy(m *machine, a []Value) (Value, error) {
	plain, err := m.attrGetter(a[1], a[2])
	if err != nil {
		return nil, err
	}
	get := folded(plain, a[3])
	items, err := m.items(a[0])
	if err != nil {
		return nil, err
	}
	keys, err := m.keysOf(items, get)
	if err != nil {
		return nil, err
	}
	if items, err = m.sortBy(items, keys, false); err != nil {
		return nil, err
	}
	if keys, err = m.keysOf(items, get); err != nil {
		return nil, err
	}
	groups := &list{items: []Value{}}
	for i := 0; i < len(items); {
		j := i + 1
		for ; j < len(items); j++ {
			same, err := m.equal(keys[j], keys[i], 0)
			if err != nil {
				return nil, err
			}
			if !same {
				break
			}
		}
		name, err := plain(items[i])
		if err != nil {
			return nil, err
		}
		groups.items = append(groups.items, &tuple{
			items: []Value{name, &list{items[i:j:j]}}, names: []string{"grouper", "list"}})
		i = j
	}
	return groups, nil
}
