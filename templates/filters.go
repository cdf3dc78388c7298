package templates

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// filters are the filters of Jinja by name. Filled by init, since some look
// filters up by name themselves; never changed afterwards.
var filters map[string]*builtin

func init() {
	filters = map[string]*builtin{}
	for _, table := range []map[string]*builtin{
		textFilters, numberFilters, sequenceFilters, selectFilters, markupFilters,
	} {
		maps.Copy(filters, table)
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
		return likeText(a[0], str(fn(s))), m.charge(len(s) >> 5)
	})
}

var textFilters = map[string]*builtin{
	"upper":      textFilter(upper),
	"lower":      textFilter(lower),
	"capitalize": textFilter(capitalize),
	"title": fixed("s", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err != nil {
			return nil, err
		}
		return str(titleWords(s)), m.charge(len(s) >> 5)
	}),
	"trim": fixed("value chars?", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err == nil {
			err = m.charge(len(s) >> 5)
		}
		if err != nil {
			return nil, err
		}
		v, err := stripper(true, true)(m, s, a[1:])
		return likeText(a[0], v), err
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
	return likeText(a[0], str(b.String())), nil
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
	return likeText(a[0], str(s)), err
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
	return m.concat(likeText(a[0], str(s)), str(end))
}

func filterWordCount(m *machine, a []Value) (Value, error) {
	s, err := m.text(a[0])
	if err != nil {
		return nil, err
	}
	isSep := func(r rune) bool { return !isWordChar(r) }
	return integer(len(strings.FieldsFunc(s, isSep))), m.charge(len(s))
}
