package templates

import (
	"strings"
	"unicode/utf8"
)

// getAttr is obj.name: an attribute first, then an item.
func (m *machine) getAttr(obj Value, name string, key Value) (Value, error) {
	v, err := m.attribute(obj, name)
	if v != nil || err != nil {
		return v, err
	}
	switch x := obj.(type) {
	case *Dict:
		if v := x.getStr(name); v != nil {
			return v, nil
		}
	case blockRefs:
		return m.getItem(obj, key)
	}
	return undefinedAttr(obj, key), nil
}

// getItem is obj[arg]: an item first, then an attribute.
func (m *machine) getItem(obj, arg Value) (Value, error) {
	name, isText := asText(arg)
	switch x := obj.(type) {
	case *undefined:
		return nil, x.fail()
	case *Dict:
		if err := m.chargeText(arg); err != nil {
			return nil, err
		}
		if isText {
			if v := x.getStr(name); v != nil {
				return v, nil
			}
			break
		}
		if v, err := x.get(arg); v != nil && err == nil {
			return v, nil
		}
	case blockRefs:
		if d := m.t.blocks[name]; d != nil {
			return blockRef{d}, nil
		}
	default:
		if i, ok := asInt(arg); ok {
			if err := m.chargeText(obj); err != nil {
				return nil, err
			}
			if v := m.index(obj, i); v != nil {
				return v, nil
			}
		}
	}
	if isText {
		if v, err := m.attribute(obj, name); v != nil || err != nil {
			return v, err
		}
	}
	return undefinedAttr(obj, arg), nil
}

// index returns item i of a sequence, counted from the end where negative, or
// nil.
func (m *machine) index(obj Value, i int64) Value {
	var items []Value
	switch x := obj.(type) {
	case *list:
		items = x.items
	case *tuple:
		items = x.items
	case *rangeVal:
		if i < 0 {
			i += x.n
		}
		if i < 0 || i >= x.n {
			return nil
		}
		return x.item(int(i))
	default:
		if s, ok := asText(obj); ok {
			return likeText(obj, charAt(s, i))
		}
		return nil
	}
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return nil
	}
	return items[i]
}

func charAt(s string, i int64) Value {
	n := int64(len(s))
	ascii := isASCII(s)
	if !ascii {
		n = int64(utf8.RuneCountInString(s))
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil
	}
	if ascii {
		return str(s[i : i+1])
	}
	off := runeOffset(s, int(i))
	_, size := utf8.DecodeRuneInString(s[off:])
	return str(s[off : off+size])
}

// runeOffset returns the byte offset of character n, or the length of s.
func runeOffset(s string, n int) int {
	for off := range s {
		if n == 0 {
			return off
		}
		n--
	}
	return len(s)
}

// attribute returns a Python attribute of obj, or nil where it has none.
func (m *machine) attribute(obj Value, name string) (Value, error) {
	if u, ok := obj.(*undefined); ok {
		if dunder[name] {
			return unsafeAttr(obj, name), nil
		}
		return nil, u.fail()
	}
	if ns, ok := obj.(*namespace); ok {
		return ns.attrs.getStr(name), nil
	}
	if strings.HasPrefix(name, "_") {
		if dunder[name] {
			return unsafeAttr(obj, name), nil
		}
		return nil, nil
	}
	if b := method(obj, name); b != nil {
		bound := *b
		bound.recv = obj
		return &bound, nil
	}
	if mutators(obj)[name] {
		return unsafeAttr(obj, name), nil
	}
	switch x := obj.(type) {
	case *loopContext:
		return x.attr(m, name)
	case *macro:
		return x.attr(name), nil
	case *tuple:
		for i, n := range x.names {
			if n == name {
				return x.items[i], nil
			}
		}
	case *cycler:
		return x.attr(name), nil
	case boolean, integer, *bigint, float:
		return numberAttr(obj, name), nil
	case *rangeVal:
		switch name {
		case "start":
			return integer(x.start), nil
		case "stop":
			return integer(x.stop), nil
		case "step":
			return integer(x.step), nil
		}
	}
	return nil, nil
}

// dunder lists the special attributes that every Python object has; the
// sandbox refuses them.
var dunder = func() map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.Fields(`class delattr dir doc eq format ge getattribute gt hash init
		init_subclass le lt ne new reduce reduce_ex repr setattr sizeof str subclasshook`) {
		set["__"+n+"__"] = true
	}
	return set
}()

func numberAttr(v Value, name string) Value {
	_, isFloat := v.(float)
	switch {
	case name == "real":
		if b, ok := v.(boolean); ok {
			n, _ := asInt(b)
			return integer(n)
		}
		return v
	case name == "imag" && isFloat:
		return float(0)
	case name == "imag":
		return integer(0)
	case name == "numerator" && !isFloat:
		return bigVal(toBig(v))
	case name == "denominator" && !isFloat:
		return integer(1)
	}
	return nil
}

// slice is obj[start:stop:step].
func (m *machine) slice(obj, start, stop, step Value) (Value, error) {
	if u, ok := obj.(*undefined); ok {
		return nil, u.fail()
	}
	text, isText := asText(obj)
	n, err := length(obj)
	switch obj.(type) {
	case str, markup, *list, *tuple, *rangeVal:
	default:
		return nil, errf("'%s' object is not subscriptable", obj.typeName())
	}
	if err != nil {
		return nil, err
	}
	b, err := sliceBounds(n, start, stop, step)
	if err != nil {
		return nil, err
	}
	if isText {
		text, err = m.sliceText(text, n, b)
		return likeText(obj, str(text)), err
	}
	if r, ok := obj.(*rangeVal); ok {
		from, to := r.start+int64(b.start)*r.step, r.start+int64(b.stop)*r.step
		return &rangeVal{from, to, r.step * int64(b.step), int64(b.n)}, nil
	}
	items, _ := m.items(obj)
	if err := m.room(16 * b.n); err != nil {
		return nil, err
	}
	out := make([]Value, b.n)
	for i := range out {
		out[i] = items[b.start+i*b.step]
	}
	if _, ok := obj.(*list); ok {
		return &list{out}, nil
	}
	return &tuple{items: out}, nil
}

func (m *machine) sliceText(s string, n int, b bounds) (string, error) {
	if err := m.charge(len(s) >> 6); err != nil {
		return "", err
	}
	if b.step == 1 {
		if n == len(s) {
			return s[b.start : b.start+b.n], nil
		}
		from := runeOffset(s, b.start)
		return s[from : from+runeOffset(s[from:], b.n)], nil
	}
	chars := []rune(s)
	out := make([]rune, b.n)
	for i := range out {
		out[i] = chars[b.start+i*b.step]
	}
	return string(out), m.room(len(s))
}

// bounds is a slice resolved against a length: n items from start.
type bounds struct{ start, stop, step, n int }

func sliceBounds(size int, start, stop, step Value) (bounds, error) {
	b := bounds{step: 1}
	for _, v := range []Value{start, stop, step} {
		switch v.(type) {
		case noneType, integer, boolean, *bigint:
		default:
			return b, errf("slice indices must be integers or None or have an __index__ method")
		}
	}
	if step != none {
		b.step = clampInt(step, size+1)
		if b.step == 0 {
			return b, errf("slice step cannot be zero")
		}
	}
	lo, hi := 0, size
	if b.step < 0 {
		lo, hi = -1, size-1
	}
	pick := func(v Value, def int) int {
		if v == none {
			return def
		}
		i := clampInt(v, size+1)
		if i < 0 {
			i += size
		}
		return min(max(i, lo), hi)
	}
	if b.step > 0 {
		b.start, b.stop = pick(start, 0), pick(stop, size)
		b.n = max(0, (b.stop-b.start+b.step-1)/b.step)
	} else {
		b.start, b.stop = pick(start, size-1), pick(stop, -1)
		b.n = max(0, (b.start-b.stop-b.step-1)/-b.step)
	}
	return b, nil
}

// clampInt converts an integer, cut to -limit-1..limit+1.
func clampInt(v Value, limit int) int {
	if x, ok := v.(*bigint); ok {
		return x.v.Sign() * (limit + 1)
	}
	n, _ := asInt(v)
	return int(min(max(n, int64(-limit-1)), int64(limit+1)))
}
