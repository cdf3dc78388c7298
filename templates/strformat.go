package templates

import (
	"strconv"
	"strings"
)

// braces is the state of one str.format call.
type braces struct {
	m     *machine
	args  args
	named *Dict // of format_map
	auto  int   // next automatic index; -1 once explicit ones were used
	safe  bool  // the format is safe HTML: escape what goes in
}

func formatMethod(m *machine, a args) (Value, error) {
	text := a.pos[0]
	a.pos = a.pos[1:]
	return (&braces{m: m, args: a}).format(text)
}

func formatMapMethod(m *machine, a []Value) (Value, error) {
	d, ok := a[1].(*Dict)
	if !ok {
		return nil, errf("format_map() argument must be a mapping, not %s", a[1].typeName())
	}
	return (&braces{m: m, named: d}).format(a[0])
}

func (f *braces) format(text Value) (Value, error) {
	_, f.safe = text.(markup)
	s, _ := asText(text)
	out, err := f.run(s, 2)
	return likeText(text, str(out)), err
}

// run formats s; replacement fields in format specifications may nest depth deep.
func (f *braces) run(s string, depth int) (string, error) {
	if depth < 0 {
		return "", errf("Max string recursion exceeded")
	}
	var out []byte
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			out = append(out, s...)
			break
		}
		out = append(out, s[:i]...)
		c := s[i]
		s = s[i+1:]
		if strings.HasPrefix(s, string(c)) {
			out = append(out, c)
			s = s[1:]
			continue
		}
		if c == '}' {
			return "", errf("Single '}' encountered in format string")
		}
		end, err := fieldEnd(s)
		if err != nil {
			return "", err
		}
		text, err := f.field(s[:end], depth)
		if err != nil {
			return "", err
		}
		if err := f.m.fits(len(out) + len(text)); err != nil {
			return "", err
		}
		out = append(out, text...)
		s = s[end+1:]
	}
	return string(out), f.m.room(len(out))
}

// fieldEnd returns the offset of the brace that closes a field.
func fieldEnd(s string) (int, error) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	if s == "" {
		return 0, errf("Single '{' encountered in format string")
	}
	return 0, errf("expected '}' before end of string")
}

// field formats one replacement field: name!conversion:spec.
func (f *braces) field(s string, depth int) (string, error) {
	name, spec, conv := s, "", byte(0)
	end := strings.IndexAny(s, "!:[")
	for end >= 0 && s[end] == '[' { // an index may contain anything
		j := strings.IndexByte(s[end:], ']')
		if j < 0 {
			return "", errf("Missing ']' in format string")
		}
		k := strings.IndexAny(s[end+j:], "!:[")
		if k < 0 {
			end = -1
		} else {
			end += j + k
		}
	}
	if end >= 0 {
		name = s[:end]
		rest := s[end:]
		if rest[0] == '!' {
			if len(rest) < 2 || len(rest) > 2 && rest[2] != ':' {
				return "", errf("expected ':' after conversion specifier")
			}
			conv, rest = rest[1], rest[2:]
		}
		if rest != "" {
			spec = rest[1:]
		}
	}
	v, err := f.lookup(name)
	if err != nil {
		return "", err
	}
	if v, err = f.convert(v, conv); err != nil {
		return "", err
	}
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.run(spec, depth-1); err != nil {
			return "", err
		}
	}
	_, safe := v.(markup)
	if f.safe && safe && spec != "" {
		return "", errf("Unsupported format specification for Markup.")
	}
	text, err := f.m.formatSpecified(v, spec)
	if f.safe && !safe {
		text = escapeHTML(text)
	}
	return text, err
}

func (f *braces) convert(v Value, conv byte) (Value, error) {
	switch conv {
	case 0:
		return v, nil
	case 's':
		s, err := f.m.text(v)
		return str(s), err
	case 'r', 'a':
		w := formatter{m: f.m}
		err := w.repr(v)
		if conv == 'a' {
			return str(asciiEscape(string(w.buf))), err
		}
		return str(w.buf), err
	}
	return nil, errf("Unknown conversion specifier %c", conv)
}

// lookup resolves a field name: an argument followed by .attr and [index].
func (f *braces) lookup(name string) (Value, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v, err := f.argument(name[:end])
	if err != nil {
		return nil, err
	}
	for rest := name[end:]; rest != ""; {
		if rest[0] == '[' {
			j := strings.IndexByte(rest, ']')
			if j < 0 {
				return nil, errf("Missing ']' in format string")
			}
			var key Value = str(rest[1:j])
			if n, err := strconv.ParseInt(rest[1:j], 10, 64); err == nil && isDecimalText(rest[1:j]) {
				key = integer(n)
			}
			if j == 1 {
				return nil, errf("Empty attribute in format string")
			}
			v, err = f.m.getItem(v, key)
			rest = rest[j+1:]
		} else {
			rest = rest[1:]
			j := strings.IndexAny(rest, ".[")
			if j < 0 {
				j = len(rest)
			}
			if j == 0 {
				return nil, errf("Empty attribute in format string")
			}
			v, err = f.m.getAttr(v, rest[:j], str(rest[:j]))
			rest = rest[j:]
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (f *braces) argument(name string) (Value, error) {
	index := -1
	if name == "" {
		if f.auto < 0 {
			return nil, errf("cannot switch from manual field specification to automatic field numbering")
		}
		index = f.auto
		f.auto++
	} else if n, err := strconv.Atoi(name); err == nil && isDecimalText(name) {
		if f.auto > 0 {
			return nil, errf("cannot switch from automatic field numbering to manual field specification")
		}
		f.auto, index = -1, n
	}
	if index >= 0 {
		if index >= len(f.args.pos) {
			return nil, errf("Replacement index %d out of range for positional args tuple", index)
		}
		return f.args.pos[index], nil
	}
	if f.named != nil {
		if v := f.named.getStr(name); v != nil {
			return v, nil
		}
	}
	for i, n := range f.args.names {
		if n == name {
			return f.args.vals[i], nil
		}
	}
	return nil, errf("%s", quote(name))
}
