package templates

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonWriter writes values as Python's json.dumps does.
type jsonWriter struct {
	m           *machine
	buf         []byte
	ascii, sort bool
	indented    bool
	indent      string
	comma       string
	colon       string
	depth       int
}

// toJSON is the tojson filter. Unlike Jinja's own it does not escape HTML.
func toJSON(m *machine, a []Value) (Value, error) {
	w := &jsonWriter{m: m, comma: ", ", colon: ": "}
	w.ascii = a[1] != nil && truth(a[1])
	w.sort = a[4] != nil && truth(a[4])
	if err := w.setIndent(a[2]); err != nil {
		return nil, err
	}
	if a[3] != nil && a[3] != none {
		seps, err := m.unpack(a[3], 2)
		if err != nil {
			return nil, err
		}
		var ok1, ok2 bool
		w.comma, ok1 = asText(seps[0])
		w.colon, ok2 = asText(seps[1])
		if !ok1 || !ok2 {
			return nil, errf("separators must be strings")
		}
	}
	if err := w.value(a[0]); err != nil {
		return nil, err
	}
	return str(w.buf), nil
}

func (w *jsonWriter) setIndent(v Value) error {
	if v == nil || v == none {
		return nil
	}
	w.indented, w.comma = true, ","
	if s, ok := asText(v); ok {
		if len(s) > 1000 {
			return limitf("indent of %d bytes", len(s))
		}
		w.indent = s
		return nil
	}
	n, ok := asInt(v)
	if !ok {
		return errf("can't multiply sequence by non-int of type '%s'", v.typeName())
	}
	if n > 1000 {
		return limitf("indent of %d blanks", n)
	}
	w.indent = strings.Repeat(" ", max(int(n), 0))
	return nil
}

func (w *jsonWriter) value(v Value) error {
	from := len(w.buf)
	switch x := v.(type) {
	case noneType:
		w.buf = append(w.buf, "null"...)
	case boolean:
		w.buf = strconv.AppendBool(w.buf, bool(x))
	case integer:
		w.buf = strconv.AppendInt(w.buf, int64(x), 10)
	case *bigint:
		f := formatter{m: w.m}
		if err := f.big(x); err != nil {
			return err
		}
		w.buf = append(w.buf, f.buf...)
	case float:
		w.buf = appendJSONFloat(w.buf, float64(x))
	case str:
		w.text(string(x))
	case markup:
		w.text(string(x))
	case *list:
		return w.array(x.items)
	case *tuple:
		return w.array(x.items)
	case *Dict:
		return w.object(x)
	default:
		return errf("Object of type %s is not JSON serializable", v.typeName())
	}
	return w.pay(from)
}

func (w *jsonWriter) pay(from int) error {
	if len(w.buf) > w.m.t.cfg.limits.Output {
		return limitf("a value larger than %d bytes", w.m.t.cfg.limits.Output)
	}
	return w.m.charge(1 + (len(w.buf)-from)>>4)
}

func appendJSONFloat(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 1):
		return append(b, "Infinity"...)
	case math.IsInf(x, -1):
		return append(b, "-Infinity"...)
	}
	return appendFloat(b, x)
}

func (w *jsonWriter) text(s string) {
	w.buf = append(w.buf, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && (c < utf8.RuneSelf || !w.ascii) {
			i++
			continue
		}
		w.buf = append(w.buf, s[plain:i]...)
		r, n := utf8.DecodeRuneInString(s[i:])
		w.escape(r)
		i += n
		plain = i
	}
	w.buf = append(append(w.buf, s[plain:]...), '"')
}

func (w *jsonWriter) escape(r rune) {
	switch r {
	case '"', '\\':
		w.buf = append(w.buf, '\\', byte(r))
	case '\n':
		w.buf = append(w.buf, `\n`...)
	case '\r':
		w.buf = append(w.buf, `\r`...)
	case '\t':
		w.buf = append(w.buf, `\t`...)
	case '\b':
		w.buf = append(w.buf, `\b`...)
	case '\f':
		w.buf = append(w.buf, `\f`...)
	default:
		if r > 0xffff {
			hi, lo := utf16.EncodeRune(r)
			w.unit(hi)
			r = lo
		}
		w.unit(r)
	}
}

func (w *jsonWriter) unit(r rune) {
	const hex = "0123456789abcdef"
	w.buf = append(w.buf, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// nest opens a container; each entry and the end begin with line.
func (w *jsonWriter) nest() error {
	w.depth++
	if w.depth > maxNesting {
		return limitf("maximum recursion depth exceeded while encoding a JSON object")
	}
	return nil
}

func (w *jsonWriter) line() {
	if w.indented {
		w.buf = append(w.buf, '\n')
		for range w.depth {
			w.buf = append(w.buf, w.indent...)
		}
	}
}

func (w *jsonWriter) array(items []Value) error {
	if len(items) == 0 {
		w.buf = append(w.buf, "[]"...)
		return w.pay(len(w.buf))
	}
	if err := w.nest(); err != nil {
		return err
	}
	w.buf = append(w.buf, '[')
	for i, v := range items {
		if i > 0 {
			w.buf = append(w.buf, w.comma...)
		}
		w.line()
		if err := w.value(v); err != nil {
			return err
		}
	}
	w.depth--
	w.line()
	w.buf = append(w.buf, ']')
	return nil
}

func (w *jsonWriter) object(d *Dict) error {
	if d.Len() == 0 {
		w.buf = append(w.buf, "{}"...)
		return w.pay(len(w.buf))
	}
	if err := w.nest(); err != nil {
		return err
	}
	pairs := make([]Value, d.Len())
	for i := range pairs {
		pairs[i] = integer(i)
	}
	if w.sort {
		var err error
		if pairs, err = w.m.sortBy(pairs, d.keys, false); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '{')
	for n, p := range pairs {
		i := int(p.(integer))
		if n > 0 {
			w.buf = append(w.buf, w.comma...)
		}
		w.line()
		if err := w.key(d.keys[i]); err != nil {
			return err
		}
		w.buf = append(w.buf, w.colon...)
		if err := w.value(d.vals[i]); err != nil {
			return err
		}
	}
	w.depth--
	w.line()
	w.buf = append(w.buf, '}')
	return nil
}

// key writes a key: numbers, booleans and None become strings.
func (w *jsonWriter) key(k Value) error {
	if s, ok := asText(k); ok {
		w.text(s)
		return nil
	}
	switch k.(type) {
	case noneType, boolean, integer, *bigint, float:
		w.buf = append(w.buf, '"')
		err := w.value(k)
		w.buf = append(w.buf, '"')
		return err
	}
	return errf("keys must be str, int, float, bool or None, not %s", k.typeName())
}
