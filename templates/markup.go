package templates

import (
	"html"
	"net/url"
	"strings"
)

// The filters that Jinja has for HTML. Prompts are not HTML, so they matter
// little, but safe and escape do turn up in templates.
var markupFilters = map[string]*builtin{
	"safe": fixed("value", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		return markup(s), err
	}),
	"escape": fixed("s", func(m *machine, a []Value) (Value, error) {
		if _, ok := a[0].(markup); ok {
			return a[0], nil
		}
		return escaped(m, a[0])
	}),
	"forceescape": fixed("value", func(m *machine, a []Value) (Value, error) {
		return escaped(m, a[0])
	}),
	"striptags": fixed("value", func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err == nil {
			err = m.charge(len(s))
		}
		return str(stripTags(s)), err
	}),
	"xmlattr": fixed("d autospace?", filterXMLAttr),
	"urlize": variadic(func(*machine, args) (Value, error) {
		return nil, errf("the urlize filter is not supported: prompts are not HTML")
	}),
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

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
	s = cutBetween(cutBetween(s, "<!--", "-->"), "<", ">")
	return html.UnescapeString(strings.Join(strings.FieldsFunc(s, isSpace), " "))
}

// cutBetween removes every stretch from open to the next end.
func cutBetween(s, open, end string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, open)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], end)
		if j < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i+j+len(end):]
	}
	return b.String() + s
}

func filterXMLAttr(m *machine, a []Value) (Value, error) {
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, errf("'%s' object has no attribute 'items'", a[0].typeName())
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

func filterURLEncode(m *machine, a []Value) (Value, error) {
	var pairs []Value
	switch x := a[0].(type) {
	case *Dict:
		view := &dictView{x, viewItems}
		for i := range x.keys {
			pairs = append(pairs, view.item(i))
		}
	case str, markup:
		s, _ := asText(x)
		return str(quoteURL(s, "/")), m.room(3 * len(s))
	default:
		items, err := m.items(x)
		if err != nil {
			s, err := m.text(x)
			return str(quoteURL(s, "/")), err
		}
		pairs = items
	}
	var parts []string
	for _, p := range pairs {
		kv, err := m.unpack(p, 2)
		if err != nil {
			return nil, err
		}
		var text [2]string
		for i, v := range kv {
			s, err := m.text(v)
			if err != nil {
				return nil, err
			}
			text[i] = strings.ReplaceAll(quoteURL(s, ""), "%20", "+")
		}
		parts = append(parts, text[0]+"="+text[1])
	}
	return str(strings.Join(parts, "&")), nil
}

// quoteURL escapes all but letters, digits, _.-~ and the characters of safe.
func quoteURL(s, safe string) string {
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	if safe == "/" {
		s = strings.ReplaceAll(s, "%2F", "/")
	}
	return s
}
