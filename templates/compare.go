package templates

import (
	"math"
	"math/big"
	"slices"
	"strings"
)

// compare applies a comparison operator.
func (m *machine) compare(op string, l, r Value) (bool, error) {
	switch op {
	case "==":
		return m.equal(l, r, 0)
	case "!=":
		eq, err := m.equal(l, r, 0)
		return !eq, err
	case "in":
		return m.contains(r, l)
	case "not in":
		in, err := m.contains(r, l)
		return !in, err
	}
	return m.ordered(op, l, r, 0)
}

// equal is Python's l == r.
func (m *machine) equal(l, r Value, depth int) (bool, error) {
	if err := m.compareStep(depth); err != nil {
		return false, err
	}
	if a, ok := asText(l); ok {
		b, ok := asText(r)
		return ok && a == b, m.charge(len(a) >> 6)
	}
	if isNumber(l) {
		if !isNumber(r) {
			return false, nil
		}
		c, ok := compareNumbers(l, r)
		return ok && c == 0, nil
	}
	switch a := l.(type) {
	case noneType:
		return r == none, nil
	case *undefined:
		_, ok := r.(*undefined)
		return ok, nil
	case *list:
		b, ok := r.(*list)
		if !ok {
			return false, nil
		}
		return m.equalItems(a.items, b.items, depth)
	case *tuple:
		b, ok := r.(*tuple)
		if !ok {
			return false, nil
		}
		return m.equalItems(a.items, b.items, depth)
	case *Dict:
		b, ok := r.(*Dict)
		if !ok {
			return false, nil
		}
		return m.equalDicts(a, b, depth)
	case *rangeVal:
		b, ok := r.(*rangeVal)
		return ok && a.n == b.n && (a.n == 0 || a.start == b.start && (a.n == 1 || a.step == b.step)), nil
	case *dictView:
		b, ok := r.(*dictView)
		if !ok || a.part == viewValues || b.part != a.part || a.d.Len() != b.d.Len() {
			return l == r, nil
		}
		return m.equalDictsView(a, b, depth)
	}
	return l == r, nil
}

func (m *machine) compareStep(depth int) error {
	if depth > maxNesting {
		return limitf("maximum recursion depth exceeded in comparison")
	}
	return m.charge(1)
}

func (m *machine) equalItems(a, b []Value, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if eq, err := m.equal(a[i], b[i], depth+1); !eq || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (m *machine) equalDicts(a, b *Dict, depth int) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	for i, k := range a.keys {
		other, err := b.get(k)
		if other == nil || err != nil {
			return false, err
		}
		if eq, err := m.equal(a.vals[i], other, depth+1); !eq || err != nil {
			return false, err
		}
	}
	return true, nil
}

// equalDictsView compares keys() or items() views, which are sets.
func (m *machine) equalDictsView(a, b *dictView, depth int) (bool, error) {
	if a.part == viewItems {
		return m.equalDicts(a.d, b.d, depth)
	}
	for _, k := range a.d.keys {
		if v, err := b.d.get(k); v == nil || err != nil {
			return false, err
		}
	}
	return true, nil
}

// contains is Python's item in seq.
func (m *machine) contains(seq, item Value) (bool, error) {
	if s, ok := asText(seq); ok {
		part, ok := asText(item)
		if !ok {
			if u, ok := item.(*undefined); ok {
				return false, u.fail()
			}
			return false, errf("'in <string>' requires string as left operand, not %s", item.typeName())
		}
		return strings.Contains(s, part), m.charge(len(s) >> 6)
	}
	switch x := seq.(type) {
	case *Dict:
		v, err := x.get(item)
		if err == nil {
			err = m.chargeText(item)
		}
		return v != nil, err
	case *dictView:
		if x.part == viewKeys {
			v, err := x.d.get(item)
			return v != nil, err
		}
	case *namespace, *builtin:
		return false, errf("argument of type '%s' is not iterable", seq.typeName())
	}
	it, err := m.iterate(seq)
	if err != nil {
		return false, errf("argument of type '%s' is not iterable", seq.typeName())
	}
	for {
		v, err := it.next()
		if v == nil || err != nil {
			return false, err
		}
		if eq, err := m.equal(v, item, 0); eq || err != nil {
			return eq, err
		}
	}
}

// ordered applies <, <=, > or >=.
func (m *machine) ordered(op string, l, r Value, depth int) (bool, error) {
	for _, v := range []Value{l, r} {
		if u, ok := v.(*undefined); ok {
			return false, u.fail()
		}
	}
	if err := m.compareStep(depth); err != nil {
		return false, err
	}
	if isNumber(l) && isNumber(r) {
		c, ok := compareNumbers(l, r)
		return ok && holds(op, c), nil
	}
	if a, ok := asText(l); ok {
		if b, ok := asText(r); ok {
			return holds(op, strings.Compare(a, b)), m.charge(min(len(a), len(b)) >> 6)
		}
	}
	var a, b []Value
	x, okx := l.(*list)
	y, oky := r.(*list)
	if okx && oky {
		a, b = x.items, y.items
	} else {
		x, okx := l.(*tuple)
		y, oky := r.(*tuple)
		if !okx || !oky {
			return false, errf("'%s' not supported between instances of '%s' and '%s'", op, l.typeName(), r.typeName())
		}
		a, b = x.items, y.items
	}
	for i := range min(len(a), len(b)) {
		eq, err := m.equal(a[i], b[i], depth+1)
		if err != nil {
			return false, err
		}
		if !eq {
			return m.ordered(op, a[i], b[i], depth+1)
		}
	}
	return holds(op, len(a)-len(b)), nil
}

func holds(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func isNumber(v Value) bool {
	switch v.(type) {
	case boolean, integer, *bigint, float:
		return true
	}
	return false
}

// compareNumbers orders two numbers exactly; ok is false where one is NaN.
func compareNumbers(l, r Value) (c int, ok bool) {
	a, aok := asInt(l)
	b, bok := asInt(r)
	if aok && bok {
		switch {
		case a < b:
			return -1, true
		case a > b:
			return 1, true
		}
		return 0, true
	}
	x, y := exactFloat(l), exactFloat(r)
	if x == nil || y == nil {
		return 0, false
	}
	return x.Cmp(y), true
}

// exactFloat converts a number without rounding, or returns nil for NaN.
func exactFloat(v Value) *big.Float {
	switch x := v.(type) {
	case float:
		if math.IsNaN(float64(x)) {
			return nil
		}
		return big.NewFloat(float64(x))
	case *bigint:
		return new(big.Float).SetPrec(uint(x.v.BitLen()) + 1).SetInt(x.v)
	}
	n, _ := asInt(v)
	return new(big.Float).SetPrec(64).SetInt64(n)
}

// sortBy sorts items stably by their keys as Python's sorted does.
func (m *machine) sortBy(items, keys []Value, reverse bool) ([]Value, error) {
	type pair struct{ item, key Value }
	pairs := make([]pair, len(items))
	for i := range items {
		pairs[i] = pair{items[i], keys[i]}
	}
	if reverse {
		slices.Reverse(pairs)
	}
	var failed error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if failed != nil {
			return 0
		}
		less, err := m.ordered("<", a.key, b.key, 0)
		if err == nil && less {
			return -1
		}
		var more bool
		if err == nil {
			more, err = m.ordered("<", b.key, a.key, 0)
		}
		failed = err
		if more {
			return 1
		}
		return 0
	})
	if reverse {
		slices.Reverse(pairs)
	}
	out := make([]Value, len(pairs))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out, failed
}
