package templates

import (
	"strings"
	"unicode/utf8"
)

// percent is the state of one printf-style formatting, text % values.
type percent struct {
	m      *machine
	format string
	args   []Value
	used   int
	dict   *Dict // values by name, where the right side is a mapping
	escape bool  // the format is safe HTML: escape what goes in
	out    []byte
}

// percentFormat is s % r for text l.
func (m *machine) percentFormat(l Value, s string, r Value) (Value, error) {
	_, safe := l.(markup)
	p := &percent{m: m, format: s, args: []Value{r}, escape: safe}
	switch x := r.(type) {
	case *tuple:
		p.args = x.items
	case *Dict:
		p.dict = x
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	if p.used < len(p.args) && !subscriptable(r) {
		return nil, errf("not all arguments converted during string formatting")
	}
	if safe {
		return markup(p.out), m.room(len(p.out))
	}
	return str(p.out), m.room(len(p.out))
}

// subscriptable reports whether Python takes r for a mapping, whose items need
// not all be used.
func subscriptable(r Value) bool {
	switch r.(type) {
	case *Dict, *list, *rangeVal, *undefined:
		return true
	}
	return false
}

func (p *percent) run() error {
	s := p.format
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			i = len(s)
		}
		p.out = append(p.out, s[:i]...)
		if err := p.m.fits(len(p.out)); err != nil {
			return err
		}
		if i == len(s) {
			return nil
		}
		rest, err := p.directive(s[i+1:])
		if err != nil {
			return err
		}
		s = rest
	}
	return nil
}

// next returns the next positional value.
func (p *percent) next() (Value, error) {
	if p.used >= len(p.args) {
		return nil, errf("not enough arguments for format string")
	}
	p.used++
	return p.args[p.used-1], nil
}

// directive handles what follows a percent sign and returns the rest.
func (p *percent) directive(s string) (string, error) {
	f := formatSpec{fill: " ", prec: -1, align: '>'}
	var key Value
	if strings.HasPrefix(s, "(") {
		name, rest, err := p.mapKey(s)
		if err != nil {
			return "", err
		}
		key, s = name, rest
	}
	s = flags(s, &f)
	var err error
	if s, err = p.count(s, &f.width); err != nil {
		return "", err
	}
	if f.width < 0 {
		f.width, f.align = -f.width, '<'
	}
	if strings.HasPrefix(s, ".") {
		f.prec = 0
		if s, err = p.count(s[1:], &f.prec); err != nil {
			return "", err
		}
		f.prec = max(f.prec, 0)
	}
	s = strings.TrimLeft(s, "hlL")
	if s == "" {
		return "", errf("incomplete format")
	}
	verb, n := utf8.DecodeRuneInString(s)
	s = s[n:]
	if verb == '%' {
		p.out = append(p.out, '%')
		return s, nil
	}
	if key == nil {
		if key, err = p.next(); err != nil {
			return "", err
		}
	}
	return s, p.convert(key, verb, f)
}

// mapKey reads (name) and looks it up.
func (p *percent) mapKey(s string) (Value, string, error) {
	depth, end := 0, 0
	for i := range len(s) {
		if s[i] == '(' {
			depth++
		} else if s[i] == ')' {
			if depth--; depth == 0 {
				end = i
				break
			}
		}
	}
	switch {
	case end == 0:
		return nil, "", errf("incomplete format key")
	case p.dict == nil:
		return nil, "", errf("format requires a mapping")
	}
	v := p.dict.getStr(s[1:end])
	if v == nil {
		return nil, "", errf("%s", quote(s[1:end]))
	}
	return v, s[end+1:], nil
}

func flags(s string, f *formatSpec) string {
	for s != "" {
		switch s[0] {
		case '-':
			f.align = '<'
		case '+':
			f.sign = '+'
		case ' ':
			if f.sign == 0 {
				f.sign = ' '
			}
		case '#':
			f.alt = true
		case '0':
			f.zero = true
		default:
			return s
		}
		s = s[1:]
	}
	return s
}

// count reads a number or an asterisk into n.
func (p *percent) count(s string, n *int) (string, error) {
	if strings.HasPrefix(s, "*") {
		v, err := p.next()
		if err != nil {
			return "", err
		}
		i, ok := asInt(v)
		if !ok {
			return "", errf("* wants int")
		}
		*n = int(i)
		return s[1:], nil
	}
	for s != "" && isDecimal(s[0]) {
		*n = min(*n*10+int(s[0]-'0'), 1<<40)
		s = s[1:]
	}
	return s, nil
}

// convert formats one value.
func (p *percent) convert(v Value, verb rune, f formatSpec) error {
	var text string
	var err error
	switch verb {
	case 's', 'r', 'a':
		text, err = p.text(v, verb, f)
	case 'c':
		text, err = percentChar(v)
		if err == nil {
			text, err = p.m.align(text, f)
		}
	case 'd', 'i', 'u', 'o', 'x', 'X', 'e', 'E', 'f', 'F', 'g', 'G':
		text, err = p.number(v, byte(verb), f)
	default:
		return errf("unsupported format character %s", quote(string(verb)))
	}
	p.out = append(p.out, text...)
	return err
}

func (p *percent) text(v Value, verb rune, f formatSpec) (string, error) {
	var text string
	var err error
	if verb == 's' {
		text, err = p.m.text(v)
	} else {
		w := formatter{m: p.m}
		err = w.repr(v)
		text = string(w.buf)
		if verb == 'a' {
			text = asciiEscape(text)
		}
	}
	if err != nil {
		return "", err
	}
	if _, safe := v.(markup); p.escape && !safe {
		text = escapeHTML(text)
	}
	if f.prec >= 0 {
		text = text[:runeOffset(text, f.prec)]
	}
	return p.m.align(text, f)
}

// asciiEscape escapes what is beyond ASCII in a repr.
func asciiEscape(s string) string {
	var b []byte
	for _, r := range s {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
		} else {
			b = appendEscaped(b, r)
		}
	}
	return string(b)
}

func percentChar(v Value) (string, error) {
	if s, ok := asText(v); ok && utf8.RuneCountInString(s) == 1 {
		return s, nil
	}
	n, ok := asInt(v)
	if !ok {
		return "", errf("%%c requires int or char")
	}
	if n < 0 || n > utf8.MaxRune {
		return "", errf("%%c arg not in range(0x110000)")
	}
	return string(rune(n)), nil
}

func (p *percent) number(v Value, verb byte, f formatSpec) (string, error) {
	if !isNumber(v) {
		if u, ok := v.(*undefined); ok {
			return "", u.fail()
		}
		return "", errf("%%%c format: a real number is required, not %s", verb, v.typeName())
	}
	if f.prec > maxDigits {
		return "", limitf("precision of more than %d digits", maxDigits)
	}
	if f.zero && f.align != '<' {
		f.fill, f.align = "0", '='
	}
	f.verb = verb
	if strings.IndexByte("eEfFgG", verb) >= 0 {
		x, err := toFloat(v)
		if err != nil {
			return "", err
		}
		return p.m.formatSpecifiedFloat(x, f)
	}
	return p.integer(v, f)
}

func (p *percent) integer(v Value, f formatSpec) (string, error) {
	if x, ok := v.(float); ok {
		if f.verb != 'd' && f.verb != 'i' && f.verb != 'u' {
			return "", errf("%%%c format: an integer is required, not float", f.verb)
		}
		n, err := truncate(float64(x))
		if err != nil {
			return "", err
		}
		v = n
	}
	if f.verb == 'i' || f.verb == 'u' {
		f.verb = 'd'
	}
	if b, ok := v.(boolean); ok {
		n, _ := asInt(b)
		v = integer(n)
	}
	prec := f.prec
	f.prec = -1
	if prec > 0 {
		bare := f
		bare.width, bare.sign, bare.alt = 0, 0, false
		digits, err := p.m.formatInt(bigVal(toBig(v).Abs(toBig(v))), bare)
		if err != nil {
			return "", err
		}
		if digits, err = p.m.pad(digits, prec, "0", 1); err != nil {
			return "", err
		}
		prefix := ""
		if f.alt && f.verb != 'd' {
			prefix = "0" + string(f.verb)
		}
		return p.m.placeNumber(toBig(v).Sign() < 0, prefix, digits, f)
	}
	return p.m.formatInt(v, f)
}
