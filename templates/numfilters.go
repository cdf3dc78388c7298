package templates

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// asciiDigits maps the decimal digits of all scripts to ASCII, as Python's
// number parsers do.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.Is(unicode.Nd, r) {
			return r
		}
		zero := r
		for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
			zero--
		}
		return '0' + (r - zero)
	}, s)
}

// parseFloat is Python's float(text).
func parseFloat(s string) (float64, bool) {
	s = strings.ToLower(asciiDigits(strings.TrimFunc(s, isSpace)))
	if strings.ContainsAny(s, "xp") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	for i := range len(s) {
		if s[i] == '_' && !(isDecimal(s[i-1]) && isDecimal(s[i+1])) {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func filterFloat(m *machine, a []Value) (Value, error) {
	switch x := a[0].(type) {
	case *undefined:
		return nil, x.fail()
	case str, markup:
		s, _ := asText(x)
		if err := m.charge(len(s) >> 4); err != nil {
			return nil, err
		}
		if f, ok := parseFloat(s); ok {
			return float(f), nil
		}
	default:
		if isNumber(x) {
			f, err := toFloat(x)
			return float(f), err
		}
	}
	if a[1] != nil {
		return a[1], nil
	}
	return float(0), nil
}

func filterRound(m *machine, a []Value) (Value, error) {
	method := "common"
	if a[2] != nil {
		method, _ = asText(a[2])
	}
	if method != "common" && method != "ceil" && method != "floor" {
		return nil, errf("method must be common, ceil or floor")
	}
	precision, err := optInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	if !isNumber(a[0]) {
		return nil, errf("type %s doesn't define __round__ method", a[0].typeName())
	}
	if method == "common" {
		if x, ok := a[0].(float); ok {
			return roundFloat(float64(x), precision)
		}
		return roundInt(toBig(a[0]), precision)
	}
	x, err := toFloat(a[0])
	if err != nil {
		return nil, err
	}
	return roundTo(x, precision, method)
}

// roundTo is the ceil and floor of round: through a power of ten, which is an
// integer where the precision is not negative.
func roundTo(x float64, precision int, method string) (Value, error) {
	if precision > 308 {
		return nil, errf("int too large to convert to float")
	}
	scale := math.Pow10(precision)
	f := math.Floor
	if method == "ceil" {
		f = math.Ceil
	}
	y := f(x * scale)
	if math.IsInf(y, 0) || math.IsNaN(y) {
		return nil, errf("cannot convert float %s to integer", appendFloat(nil, y))
	}
	if scale == 0 {
		return nil, errf("float division by zero")
	}
	return float((y + 0) / scale), nil
}

// roundFloat rounds half to even in decimal, as Python does.
func roundFloat(x float64, precision int) (Value, error) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0) || precision > 323:
		return float(x), nil
	case precision < -308:
		return float(math.Copysign(0, x)), nil
	case precision >= 0:
		f, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', precision, 64), 64)
		if err != nil {
			return nil, errf("rounded value too large to represent")
		}
		return float(f), nil
	}
	// A negative precision rounds before the point: exactly, with big numbers.
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-precision)), nil))
	q := new(big.Rat).Quo(new(big.Rat).SetFloat64(x), unit)
	n := roundHalfEven(q.Num(), q.Denom())
	f, _ := new(big.Rat).Mul(new(big.Rat).SetInt(n), unit).Float64()
	if math.IsInf(f, 0) {
		return nil, errf("rounded value too large to represent")
	}
	if f == 0 {
		f = math.Copysign(0, x)
	}
	return float(f), nil
}

// roundHalfEven returns num/den rounded to the nearest integer; den is positive.
func roundHalfEven(num, den *big.Int) *big.Int {
	q, r := new(big.Int).DivMod(num, den, new(big.Int))
	switch twice := r.Lsh(r, 1).Cmp(den); {
	case twice > 0, twice == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return q
}

func roundInt(n *big.Int, precision int) (Value, error) {
	if precision >= 0 {
		return bigVal(n), nil
	}
	if -precision > maxDigits {
		return integer(0), nil
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-precision)), nil)
	return bigVal(unit.Mul(unit, roundHalfEven(n, unit))), nil
}

func filterFileSize(m *machine, a []Value) (Value, error) {
	v, err := filterFloat(m, []Value{a[0], none})
	if err != nil {
		return nil, err
	}
	x, ok := v.(float)
	if !ok {
		return nil, errf("could not convert to float")
	}
	size, base, names := float64(x), 1000.0, "kB MB GB TB PB EB ZB YB"
	if a[1] != nil && truth(a[1]) {
		base, names = 1024, "KiB MiB GiB TiB PiB EiB ZiB YiB"
	}
	if size == 1 {
		return str("1 Byte"), nil
	}
	if size < base {
		n, err := truncate(size)
		if err != nil {
			return nil, err
		}
		text, err := m.text(n)
		return str(text + " Bytes"), err
	}
	unit, name := base, ""
	for _, name = range strings.Fields(names) {
		unit *= base
		if size < unit {
			break
		}
	}
	return str(fmt.Sprintf("%.1f %s", base*size/unit, name)), nil
}
