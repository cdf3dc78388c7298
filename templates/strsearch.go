package templates

import (
	"strings"
	"unicode/utf8"
)

// window cuts s to the characters start..end of the optional arguments. base
// is the number of characters before it; ok is false where start lies beyond
// the end, where not even the empty string is found.
func window(s string, start, end Value) (part string, base int, ok bool, err error) {
	if start == nil && end == nil {
		return s, 0, true, nil
	}
	n := utf8.RuneCountInString(s)
	b, err := sliceBounds(n, orNone(start), orNone(end), none)
	if err != nil {
		return "", 0, false, err
	}
	if start != nil && start != none && clampInt(start, n+1) > n || b.stop < b.start {
		return "", 0, false, nil
	}
	from := runeOffset(s, b.start)
	return s[from : from+runeOffset(s[from:], b.n)], b.start, true, nil
}

func affix(name string, has func(s, part string) bool) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		part, _, ok, err := window(s, a[1], a[2])
		if err != nil {
			return nil, err
		}
		options := []Value{a[0]}
		if t, isTuple := a[0].(*tuple); isTuple {
			options = t.items
		}
		for _, v := range options {
			fix, isText := asText(v)
			if !isText {
				return nil, errf("%s first arg must be str or a tuple of str, not %s", name, v.typeName())
			}
			if ok && has(part, fix) {
				return trueVal, nil
			}
		}
		return falseVal, m.charge(len(options))
	}
}

func finder(find func(s, sub string) int, strict bool) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		sub, err := wantText("find", a[0])
		if err != nil {
			return nil, err
		}
		part, base, ok, err := window(s, a[1], a[2])
		if err != nil {
			return nil, err
		}
		i := -1
		if ok {
			i = find(part, sub)
		}
		if i < 0 {
			if strict {
				return nil, errf("substring not found")
			}
			return integer(-1), nil
		}
		return integer(base + utf8.RuneCountInString(part[:i])), nil
	}
}

func countMethod(m *machine, s string, a []Value) (Value, error) {
	sub, err := wantText("count", a[0])
	if err != nil {
		return nil, err
	}
	part, _, ok, err := window(s, a[1], a[2])
	if err != nil || !ok {
		return integer(0), err
	}
	return integer(strings.Count(part, sub)), nil
}

// replace is Python's str.replace; count is negative for all.
func (m *machine) replace(s, old, repl string, count int) (string, error) {
	n := strings.Count(s, old)
	if count >= 0 {
		n = min(n, count)
	}
	if grow := len(repl) - len(old); grow > 0 && n > (m.t.cfg.limits.Output-len(s))/grow {
		return "", m.room(-1)
	}
	if err := m.room(len(s) + n*max(0, len(repl)-len(old))); err != nil {
		return "", err
	}
	return strings.Replace(s, old, repl, count), nil
}

func replaceMethod(m *machine, s string, a []Value) (Value, error) {
	old, err := wantText("replace", a[0])
	if err != nil {
		return nil, err
	}
	repl, err := wantText("replace", a[1])
	if err != nil {
		return nil, err
	}
	count, err := optInt(a[2], -1)
	if err != nil {
		return nil, err
	}
	s, err = m.replace(s, old, repl, count)
	return str(s), err
}

func joinMethod(m *machine, a []Value) (Value, error) {
	sep, _ := asText(a[0])
	items, err := m.items(a[1])
	if err != nil {
		return nil, errf("can only join an iterable")
	}
	_, safe := a[0].(markup)
	var b []byte
	for i, v := range items {
		if safe {
			if v, err = toMarkup(m, v); err != nil {
				return nil, err
			}
		}
		s, ok := asText(v)
		if !ok {
			return nil, errf("sequence item %d: expected str instance, %s found", i, v.typeName())
		}
		if i > 0 {
			b = append(b, sep...)
		}
		if err := m.fits(len(b) + len(s)); err != nil {
			return nil, err
		}
		b = append(b, s...)
	}
	return likeText(a[0], str(b)), m.room(len(b))
}

// pad fills s with the character fill up to width characters: on the right
// (-1), on the left (1) or on both sides (0).
func (m *machine) pad(s string, width int, fill string, side int) (string, error) {
	n := width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s, nil
	}
	if err := m.room(len(s) + n*len(fill)); err != nil {
		return "", err
	}
	left := 0
	switch side {
	case 1:
		left = n
	case 0:
		left = n/2 + n&width&1
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left), nil
}

func padder(side int) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		width, err := optInt(a[0], 0)
		if err != nil {
			return nil, err
		}
		fill := " "
		if a[1] != nil {
			if fill, err = wantText("center", a[1]); err != nil {
				return nil, err
			}
			if utf8.RuneCountInString(fill) != 1 {
				return nil, errf("The fill character must be exactly one character long")
			}
		}
		s, err = m.pad(s, width, fill, side)
		return str(s), err
	}
}

func zfill(m *machine, s string, a []Value) (Value, error) {
	width, err := optInt(a[0], 0)
	if err != nil {
		return nil, err
	}
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	s, err = m.pad(s, width-len(sign), "0", 1)
	return str(sign + s), err
}

func expandTabs(m *machine, s string, a []Value) (Value, error) {
	size, err := optInt(a[0], 8)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	col := 0
	for _, r := range s {
		switch r {
		case '\t':
			n := 0
			if size > 0 {
				n = size - col%size
			}
			if err := m.fits(b.Len() + n); err != nil {
				return nil, err
			}
			b.WriteString(strings.Repeat(" ", n))
			col += n
			continue
		case '\n', '\r':
			col = -1
		}
		b.WriteRune(r)
		col++
	}
	return str(b.String()), m.room(b.Len())
}
