package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// object is a JSON object whose keys keep their order, as a dict of Python does.
// Values are objects, []any, string, json.Number, int, bool and nil.
type object []member

type member struct {
	key   string
	value any
}

// get returns a value, nil where there is none.
func (o object) get(key string) any {
	if i := o.index(key); i >= 0 {
		return o[i].value
	}
	return nil
}

func (o object) index(key string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.key == key })
}

// set changes a value where it stands, or adds it.
func (o *object) set(key string, value any) {
	if i := o.index(key); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{key, value})
}

// setDefault adds a value that is not there.
func (o *object) setDefault(key string, value any) {
	if o.index(key) < 0 {
		*o = append(*o, member{key, value})
	}
}

func (o *object) remove(keys ...string) {
	*o = slices.DeleteFunc(*o, func(m member) bool { return slices.Contains(keys, m.key) })
}

// parseObject reads an object, and its numbers as they are written.
func parseObject(data []byte) (object, error) {
	if !json.Valid(data) { // which bounds the depth, too
		return nil, fmt.Errorf("not valid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("not a JSON object")
	}
	return o, nil
}

func parseValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o.set(key.(string), v)
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

// writePython writes o as Python's json.dump with an indent of 4 does.
func writePython(w io.Writer, o object) error {
	var compact, out bytes.Buffer
	if err := appendPython(&compact, o); err != nil {
		return err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "    "); err != nil {
		return err
	}
	_, err := out.WriteTo(w)
	return err
}

func appendPython(b *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case object:
		return appendList(b, '{', '}', len(v), func(i int) error {
			appendString(b, v[i].key)
			b.WriteByte(':')
			return appendPython(b, v[i].value)
		})
	case []any:
		return appendList(b, '[', ']', len(v), func(i int) error { return appendPython(b, v[i]) })
	case string:
		appendString(b, v)
	case json.Number:
		text, err := pythonNumber(v.String())
		b.WriteString(text)
		return err
	case int:
		b.WriteString(strconv.Itoa(v))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case nil:
		b.WriteString("null")
	default:
		return fmt.Errorf("%T is no value of JSON", value)
	}
	return nil
}

func appendList(b *bytes.Buffer, first, last byte, n int, write func(i int) error) error {
	b.WriteByte(first)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(i); err != nil {
			return err
		}
	}
	b.WriteByte(last)
	return nil
}

// pythonNumber writes an integer as it is, and a float as repr does.
func pythonNumber(text string) (string, error) {
	if !strings.ContainsAny(text, ".eE") {
		return text, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", err
	}
	out := strconv.FormatFloat(f, 'e', -1, 64)
	if _, exponent, _ := strings.Cut(out, "e"); f != 0 {
		if e, _ := strconv.Atoi(exponent); e < -4 || e >= 16 {
			return out, nil
		}
	}
	out = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(out, ".") {
		out += ".0"
	}
	return out, nil
}

// appendString escapes all that is not printable ASCII.
func appendString(b *bytes.Buffer, text string) {
	b.WriteByte('"')
	for _, r := range text {
		short := slices.Index([]rune("\"\\\n\r\t\f\b"), r)
		switch {
		case short >= 0:
			b.WriteString([]string{`\"`, `\\`, `\n`, `\r`, `\t`, `\f`, `\b`}[short])
			continue
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(b, `\u%04x`, unit)
		}
	}
	b.WriteByte('"')
}
