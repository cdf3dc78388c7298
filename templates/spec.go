package templates

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatSpec is Python's format specification: [[fill]align][sign][#][0][width][,][.precision][type].
type formatSpec struct {
	fill      string
	align     byte // one of < > ^ =, or 0
	sign      byte // one of + - space, or 0
	alt, zero bool
	width     int
	group     byte // one of , _, or 0
	prec      int  // -1 where absent
	verb      byte // 0 where absent
}

func parseSpec(s string) (formatSpec, error) {
	f := formatSpec{fill: " ", prec: -1}
	if r, n := utf8.DecodeRuneInString(s); n > 0 && len(s) > n && strings.IndexByte("<>^=", s[n]) >= 0 {
		f.fill, f.align, s = string(r), s[n], s[n+1:]
	} else if s != "" && strings.IndexByte("<>^=", s[0]) >= 0 {
		f.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	number := func() (int, bool) {
		i := 0
		for i < len(s) && isDecimal(s[i]) {
			i++
		}
		n, err := strconv.Atoi(s[:i])
		if err != nil {
			n = math.MaxInt32
		}
		defer func() { s = s[i:] }()
		return n, i > 0
	}
	f.sign = take("+- ")
	f.alt = take("#") != 0
	if take("0") != 0 {
		f.zero = true
		if f.align == 0 {
			f.fill, f.align = "0", '='
		}
	}
	if n, ok := number(); ok {
		f.width = n
	}
	f.group = take(",_")
	if take(".") != 0 {
		n, ok := number()
		if !ok {
			return f, errf("Format specifier missing precision")
		}
		f.prec = n
	}
	f.verb = take("bcdeEfFgGnosxX%")
	if s != "" {
		return f, errf("Invalid format specifier")
	}
	return f, nil
}

// formatSpecified is Python's format(v, spec).
func (m *machine) formatSpecified(v Value, spec string) (string, error) {
	if spec == "" {
		return m.text(v)
	}
	f, err := parseSpec(spec)
	if err != nil {
		return "", err
	}
	if f.prec > maxDigits {
		return "", limitf("precision of more than %d digits", maxDigits)
	}
	switch v.(type) {
	case str, markup:
		return m.formatText(v, f)
	case integer, boolean, *bigint:
		if strings.IndexByte("eEfFgG%", f.verb) < 0 || f.verb == 0 {
			return m.formatInt(v, f)
		}
	case float:
	default:
		return "", errf("unsupported format string passed to %s.__format__", v.typeName())
	}
	x, err := toFloat(v)
	if err != nil {
		return "", err
	}
	if f.verb != 0 && strings.IndexByte("eEfFgGn%", f.verb) < 0 {
		return "", errf("Unknown format code '%c' for object of type 'float'", f.verb)
	}
	return m.formatSpecifiedFloat(x, f)
}

func (m *machine) formatText(v Value, f formatSpec) (string, error) {
	s, _ := asText(v)
	switch {
	case f.verb != 0 && f.verb != 's':
		return "", errf("Unknown format code '%c' for object of type 'str'", f.verb)
	case f.sign != 0:
		return "", errf("Sign not allowed in string format specifier")
	case f.align == '=' && !f.zero:
		return "", errf("'=' alignment not allowed in string format specifier")
	}
	if f.prec >= 0 {
		s = s[:runeOffset(s, f.prec)]
	}
	if f.align == 0 || f.align == '=' {
		f.align = '<'
	}
	return m.align(s, f)
}

func (m *machine) align(s string, f formatSpec) (string, error) {
	switch f.align {
	case '<':
		return m.pad(s, f.width, f.fill, -1)
	case '^':
		n := f.width - utf8.RuneCountInString(s)
		if n <= 0 {
			return s, nil
		}
		left, err := m.pad(s, f.width-n+n/2, f.fill, 1)
		if err != nil {
			return "", err
		}
		return m.pad(left, f.width, f.fill, -1)
	}
	return m.pad(s, f.width, f.fill, 1)
}

var bases = map[byte]int{'b': 2, 'o': 8, 'x': 16, 'X': 16}

func (m *machine) formatInt(v Value, f formatSpec) (string, error) {
	n := toBig(v)
	if f.prec >= 0 {
		return "", errf("Precision not allowed in integer format specifier")
	}
	if n.BitLen() > maxDigits*3 {
		return "", errf("Exceeds the limit (%d digits) for integer string conversion", maxDigits)
	}
	base := bases[f.verb]
	switch f.verb {
	case 's':
		return "", errf("Unknown format code 's' for object of type 'int'")
	case 'c':
		if !n.IsInt64() || n.Sign() < 0 || n.Int64() > utf8.MaxRune {
			return "", errf("%%c arg not in range(0x110000)")
		}
		return m.align(string(rune(n.Int64())), f)
	}
	if base == 0 {
		base = 10
	}
	digits := new(big.Int).Abs(n).Text(base)
	prefix := ""
	if f.alt && base != 10 {
		prefix = "0" + string(f.verb)
	}
	if f.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	return m.placeNumber(n.Sign() < 0, prefix, digits, f)
}

// placeNumber adds sign, grouping and padding to digits.
func (m *machine) placeNumber(neg bool, prefix, digits string, f formatSpec) (string, error) {
	sign := ""
	switch {
	case neg:
		sign = "-"
	case f.sign == '+' || f.sign == ' ':
		sign = string(f.sign)
	}
	if f.group != 0 {
		every := 3
		if bases[f.verb] != 0 {
			every = 4
		}
		digits = groupDigits(digits, f.group, every)
		for f.align == '=' && f.fill == "0" && len(sign)+len(prefix)+len(digits) < f.width && f.width < maxDigits {
			plain := strings.ReplaceAll(digits, string(f.group), "")
			digits = groupDigits("0"+plain, f.group, every)
		}
	}
	if f.align == '=' {
		var err error
		digits, err = m.pad(digits, f.width-len(sign)-len(prefix), f.fill, 1)
		return sign + prefix + digits, err
	}
	return m.align(sign+prefix+digits, f)
}

// groupDigits puts a separator into the integer part of a number.
func groupDigits(s string, sep byte, every int) string {
	end := 0
	for end < len(s) && isHex(s[end]) && s[end] != 'e' {
		end++
	}
	var b strings.Builder
	for i := range end {
		if i > 0 && (end-i)%every == 0 {
			b.WriteByte(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String() + s[end:]
}

// formatFloat formats a number that is not negative.
func formatFloat(x float64, f formatSpec) string {
	s := formatLower(x, f)
	if f.verb == 'E' || f.verb == 'F' || f.verb == 'G' {
		return strings.ToUpper(s)
	}
	return s
}

func formatLower(x float64, f formatSpec) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return "inf"
	case f.verb == 0 && f.prec < 0:
		return string(appendFloat(nil, x))
	}
	prec := f.prec
	if prec < 0 {
		prec = 6
	}
	switch f.verb {
	case '%':
		return strconv.FormatFloat(x*100, 'f', prec, 64) + "%"
	case 'f', 'F':
		return strconv.FormatFloat(x, 'f', prec, 64)
	case 'e', 'E':
		return strconv.FormatFloat(x, 'e', prec, 64)
	}
	return general(x, max(prec, 1), f.alt, f.verb == 0)
}

// general is the g format: the exponent decides between the two others and
// trailing zeros go unless alt keeps them. With point a number keeps one
// digit after its point.
func general(x float64, prec int, alt, point bool) string {
	e := strconv.FormatFloat(x, 'e', prec-1, 64)
	exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	limit := prec
	if point {
		limit--
	}
	if exp < -4 || exp >= max(limit, 1) && exp >= limit {
		mant, tail, _ := strings.Cut(e, "e")
		if !alt {
			mant = trimZeros(mant)
		}
		return mant + "e" + tail
	}
	s := strconv.FormatFloat(x, 'f', max(prec-1-exp, 0), 64)
	if alt {
		return s
	}
	s = trimZeros(s)
	if point && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// formatSpecifiedFloat formats a float by a parsed specification.
func (m *machine) formatSpecifiedFloat(x float64, f formatSpec) (string, error) {
	return m.placeNumber(math.Signbit(x), "", formatFloat(math.Abs(x), f), f)
}
