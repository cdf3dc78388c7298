package templates

import (
	"html"
	"slices"
	"strings"
)

// The filters that Jinja has for HTML. Prompts are not HTML, so they matter
// little, but safe and escape do turn up in templates.
var markupFilters = map[string]*builtin{
	"safe": fixed("value", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		return markup(s), err
	}),
	"escape": fixed("s", func(m *machine, a []Value) (Value, error) { return toMarkup(m, a[0]) }),
	"forceescape": fixed("value", func(m *machine, a []Value) (Value, error) {
		return escaped(m, a[0])
	}),
	"striptags": fixed("value", plainMethod(stripTags)),
	"xmlattr":   fixed("d autospace?", filterXMLAttr),
	"urlize": variadic(func(*machine, args) (Value, error) {
		return nil, errf("the urlize filter is not supported: prompts are not HTML")
	}),
}

// markupMethods are what safe HTML has beyond the methods of text.
var markupMethods = methodTable(map[string]*builtin{
	"striptags": fixed("self", plainMethod(stripTags)),
	"unescape":  fixed("self", plainMethod(html.UnescapeString)),
})

func plainMethod(fn func(string) string) func(m *machine, a []Value) (Value, error) {
	return func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err == nil {
			err = m.charge(len(s))
		}
		return str(fn(s)), err
	}
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

// toMarkup returns v as safe HTML, escaped unless it is that already.
func toMarkup(m *machine, v Value) (Value, error) {
	if _, ok := v.(markup); ok {
		return v, nil
	}
	return escaped(m, v)
}

// likeText makes text computed from safe HTML safe HTML too, also in a list or
// tuple of parts, which must be new.
func likeText(from, v Value) Value {
	if _, ok := from.(markup); !ok {
		return v
	}
	var parts []Value
	switch x := v.(type) {
	case str:
		return markup(x)
	case *list:
		parts = x.items
	case *tuple:
		parts = x.items
	}
	for i, p := range parts {
		parts[i] = likeText(from, p)
	}
	return v
}

// escaping makes a method escape argument i where its text is safe HTML.
func escaping(i int, b *builtin) *builtin {
	inner := b.fn
	b.fn = func(m *machine, a []Value) (Value, error) {
		if _, safe := a[0].(markup); safe && a[i] != nil {
			v, err := toMarkup(m, a[i])
			if err != nil {
				return nil, err
			}
			a = slices.Clone(a)
			a[i] = v
		}
		return inner(m, a)
	}
	return b
}

// escaped returns str(v) as safe HTML.
func escaped(m *machine, v Value) (Value, error) {
	s, err := m.text(v)
	if err != nil {
		return nil, err
	}
	s = escapeHTML(s)
	return markup(s), m.room(len(s))
}

func escapeHTML(s string) string { return htmlEscaper.Replace(s) }

// stripTags removes comments and tags, joins what blanks separate with single
// blanks and decodes entities.
func stripTags(s string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(s, "<")
		end := ">"
		if strings.HasPrefix(rest, "!--") {
			rest, end = rest[len("!--"):], "-->"
		}
		_, rest, closed := strings.Cut(rest, end)
		if !found || !closed {
			break
		}
		b.WriteString(text)
		s = rest
	}
	b.WriteString(s)
	return html.UnescapeString(strings.Join(strings.FieldsFunc(b.String(), isSpace), " "))
}

func filterXMLAttr(m *machine, a []Value) (Value, error) {
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, noAttribute(a[0], "items")
	}
	var parts []string
	for k, v := range d.All() {
		if _, missing := v.(*undefined); missing || v == none {
			continue
		}
		key, ok := asText(k)
		if !ok {
			return nil, errf("expected string or bytes-like object, got '%s'", k.typeName())
		}
		if strings.ContainsAny(key, " \t\n\r\f\v/>=") {
			return nil, errf("Invalid character in attribute name: %s", quote(key))
		}
		val, err := m.text(v)
		if err != nil {
			return nil, err
		}
		if _, safe := v.(markup); !safe {
			val = escapeHTML(val)
		}
		parts = append(parts, escapeHTML(key)+`="`+val+`"`)
	}
	s := strings.Join(parts, " ")
	if s != "" && (a[1] == nil || truth(a[1])) {
		s = " " + s
	}
	return str(s), m.room(len(s))
}
