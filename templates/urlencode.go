package templates

import (
	"net/url"
	"strings"
)

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
		if _, err := m.iterate(x); err != nil {
			s, err := m.text(x)
			return str(quoteURL(s, "/")), err
		}
		var err error
		if pairs, err = m.items(x); err != nil {
			return nil, err
		}
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
