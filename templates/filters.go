package templates

import (
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
)

// filters are the filters of Jinja by name. Filled by init, since some look
// filters up by name themselves; never changed afterwards.
var filters map[string]*builtin

func init() {
	filters = map[string]*builtin{}
	for _, table := range []map[string]*builtin{textFilters, numberFilters, sequenceFilters, selectFilters, markupFilters} {
		for name, b := range table {
			filters[name] = b
		}
	}
	for alias, name := range map[string]string{"d": "default", "e": "escape", "count": "length"} {
		filters[alias] = filters[name]
	}
	named(filters)
}

// textFilter describes a filter that maps str(value) to text.
func textFilter(fn func(string) string) *builtin {
	return fixed("s", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err != nil {
			return nil, err
		}
		return str(fn(s)), m.charge(len(s) >> 5)
	})
}

var textFilters = map[string]*builtin{
	"upper":      textFilter(upper),
	"lower":      textFilter(lower),
	"capitalize": textFilter(capitalize),
	"title":      textFilter(titleWords),
	"trim": fixed("value chars?", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err == nil {
			err = m.charge(len(s) >> 5)
		}
		if err != nil {
			return nil, err
		}
		return stripper(true, true)(m, s, a[1:])
	}),
	"string": fixed("object", func(m *machine, a []Value) (Value, error) {
		if _, ok := a[0].(markup); ok {
			return a[0], nil
		}
		s, err := m.text(a[0])
		return str(s), err
	}),
	"replace":   fixed("s old new count?", filterReplace),
	"indent":    fixed("s width? first? blank?", filterIndent),
	"join":      fixed("value d? attribute?", filterJoin),
	"center":    fixed("value width?", filterCenter),
	"truncate":  fixed("s length? killwords? end? leeway?", filterTruncate),
	"wordcount": fixed("s", filterWordCount),
	"wordwrap":  fixed("s width? break_long_words? wrapstring? break_on_hyphens?", filterWordWrap),
	"tojson":    fixed("x ensure_ascii? indent? separators? sort_keys?", toJSON),
	"pprint":    fixed("value", filterPprint),
	"urlencode": fixed("value", filterURLEncode),
	"format": variadic(func(m *machine, a args) (Value, error) {
		if len(a.pos) > 1 && len(a.names) > 0 {
			return nil, errf("can't handle positional and keyword arguments at the same time")
		}
		if len(a.pos) == 0 {
			return nil, errf("format() missing required argument: 'value'")
		}
		s, err := m.text(a.pos[0])
		if err != nil {
			return nil, err
		}
		if len(a.names) > 0 {
			return m.percentFormat(a.pos[0], s, a.dict())
		}
		return m.percentFormat(a.pos[0], s, &tuple{items: a.pos[1:]})
	}),
}

// titleWords is the title filter: a word begins at the start or after blanks,
// hyphens and opening brackets.
func titleWords(s string) string {
	var b strings.Builder
	start := 0
	word := func(end int) {
		if start < end {
			_, n := utf8.DecodeRuneInString(s[start:])
			b.WriteString(upper(s[start : start+n]))
			b.WriteString(lower(s[start+n : end]))
		}
	}
	for i, r := range s {
		if isSpace(r) || strings.ContainsRune("-({[<", r) {
			word(i)
			b.WriteRune(r)
			start = i + utf8.RuneLen(r)
		}
	}
	word(len(s))
	return b.String()
}

func filterReplace(m *machine, a []Value) (Value, error) {
	var parts [3]string
	for i := range parts {
		var err error
		if parts[i], err = m.text(a[i]); err != nil {
			return nil, err
		}
	}
	count := -1
	if a[3] != nil && a[3] != none {
		var err error
		if count, err = optInt(a[3], -1); err != nil {
			return nil, err
		}
	}
	s, err := m.replace(parts[0], parts[1], parts[2], count)
	return str(s), err
}

func filterIndent(m *machine, a []Value) (Value, error) {
	s, ok := asText(a[0])
	if !ok {
		if u, ok := a[0].(*undefined); ok {
			return nil, u.fail()
		}
		return nil, unsupported("+=", a[0], emptyStr)
	}
	indent := "    "
	if a[1] != nil {
		if text, ok := asText(a[1]); ok {
			indent = text
		} else {
			n, err := optInt(a[1], 4)
			if err != nil {
				return nil, err
			}
			if indent, err = m.pad("", n, " ", 1); err != nil {
				return nil, err
			}
		}
	}
	first, blank := a[2] != nil && truth(a[2]), a[3] != nil && truth(a[3])
	lines := splitLines(s+"\n", false)
	if err := m.room(len(s) + len(lines)*len(indent)); err != nil || len(lines)*len(indent) < 0 {
		return nil, err
	}
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i > 0 && (blank || line != "") || i == 0 && first {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
	return str(b.String()), nil
}

func filterJoin(m *machine, a []Value) (Value, error) {
	sep := ""
	var err error
	if a[1] != nil {
		if sep, err = m.text(a[1]); err != nil {
			return nil, err
		}
	}
	get, err := m.attrGetter(orNone(a[2]), nil)
	if err != nil {
		return nil, err
	}
	items, err := m.items(a[0])
	if err != nil {
		return nil, err
	}
	var b []byte
	for i, v := range items {
		if v, err = get(v); err != nil {
			return nil, err
		}
		s, err := m.text(v)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, sep...)
		}
		b = append(b, s...)
		if len(b) > m.t.cfg.limits.Output {
			return nil, m.room(len(b))
		}
	}
	return str(b), m.room(len(b))
}

func filterCenter(m *machine, a []Value) (Value, error) {
	s, err := m.text(a[0])
	if err != nil {
		return nil, err
	}
	width, err := optInt(a[1], 80)
	if err != nil {
		return nil, err
	}
	s, err = m.pad(s, width, " ", 0)
	return str(s), err
}

func filterTruncate(m *machine, a []Value) (Value, error) {
	s, isText := asText(a[0])
	n, err := length(a[0])
	if err != nil {
		return nil, err
	}
	size, err := optInt(a[1], 255)
	if err != nil {
		return nil, err
	}
	end := "..."
	if a[3] != nil {
		if end, err = wantText("truncate", a[3]); err != nil {
			return nil, err
		}
	}
	leeway := 5
	if a[4] != nil && a[4] != none {
		if leeway, err = optInt(a[4], 5); err != nil {
			return nil, err
		}
	}
	endLen := utf8.RuneCountInString(end)
	switch {
	case size < endLen:
		return nil, errf("expected length >= %d, got %d", endLen, size)
	case leeway < 0:
		return nil, errf("expected leeway >= 0, got %d", leeway)
	case n <= size+leeway:
		return a[0], nil
	case !isText:
		return nil, errf("'%s' object cannot be truncated", a[0].typeName())
	}
	s = s[:runeOffset(s, size-endLen)]
	if a[2] == nil || !truth(a[2]) {
		if i := strings.LastIndexByte(s, ' '); i >= 0 {
			s = s[:i]
		}
	}
	return str(s + end), nil
}

func filterWordCount(m *machine, a []Value) (Value, error) {
	s, err := m.text(a[0])
	if err != nil {
		return nil, err
	}
	isSep := func(r rune) bool { return r != '_' && !isAlnum(string(r)) }
	return integer(len(strings.FieldsFunc(s, isSep))), m.charge(len(s))
}

var numberFilters = map[string]*builtin{
	"abs": fixed("x", func(m *machine, a []Value) (Value, error) {
		switch x := a[0].(type) {
		case float:
			return float(math.Abs(float64(x))), nil
		case integer, boolean, *bigint:
			n := toBig(x)
			return bigVal(n.Abs(n)), nil
		}
		return nil, errf("bad operand type for abs(): '%s'", a[0].typeName())
	}),
	"int":            fixed("value default? base?", filterInt),
	"float":          fixed("value default?", filterFloat),
	"round":          fixed("value precision? method?", filterRound),
	"filesizeformat": fixed("value binary?", filterFileSize),
}

func filterInt(m *machine, a []Value) (Value, error) {
	var def Value = integer(0)
	if a[1] != nil {
		def = a[1]
	}
	if u, ok := a[0].(*undefined); ok {
		return nil, u.fail()
	}
	base, err := optInt(a[2], 10)
	if err != nil {
		return nil, err
	}
	switch x := a[0].(type) {
	case integer, *bigint:
		return x, nil
	case boolean:
		return bigVal(toBig(x)), nil
	case float:
		if math.IsInf(float64(x), 0) {
			return nil, errf("cannot convert float infinity to integer")
		}
		if n, err := truncate(float64(x)); err == nil {
			return n, nil
		}
		return def, nil
	case str, markup:
		s, _ := asText(x)
		if err := m.charge(len(s) >> 4); err != nil {
			return nil, err
		}
		if n, ok := parseInt(s, base); ok {
			return n, nil
		}
		if f, ok := parseFloat(s); ok {
			if n, err := truncate(f); err == nil {
				return n, nil
			}
		}
	}
	return def, nil
}

// parseInt is Python's int(text, base).
func parseInt(s string, base int) (Value, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	if len(s) > maxDigits || base != 0 && (base < 2 || base > 36) {
		return nil, false
	}
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' {
		if b := map[byte]int{'b': 2, 'o': 8, 'x': 16}[s[1]|0x20]; b != 0 && (base == b || base == 0) {
			s, base = strings.TrimPrefix(s[2:], "_"), b
		}
	}
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") ||
		strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return nil, false
	}
	if base == 0 {
		if base = 10; strings.HasPrefix(s, "0") && strings.Trim(s, "0_") != "" {
			return nil, false
		}
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), base)
	if !ok {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	return bigVal(n), true
}
