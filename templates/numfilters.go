package templates

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

var numberFilters = map[string]*builtin{
	"abs": fixed("x", func(m *machine, a []Value) (Value, error) {
		switch x := a[0].(type) {
		case float:
			return float(math.Abs(float64(x))), nil
		case integer, boolean, *bigint:
			n := toBig(x)
			return bigVal(n.Abs(n)), nil
		}
		return nil, errf("bad operand type for abs(): '%s'", a[0].typeName())
	}),
	"int":            fixed("value default? base?", filterInt),
	"float":          fixed("value default?", filterFloat),
	"round":          fixed("value precision? method?", filterRound),
	"filesizeformat": fixed("value binary?", filterFileSize),
}

func filterInt(m *machine, a []Value) (Value, error) {
	var def Value = integer(0)
	if a[1] != nil {
		def = a[1]
	}
	if u, ok := a[0].(*undefined); ok {
		return nil, u.fail()
	}
	base, err := optInt(a[2], 10)
	if err != nil {
		return nil, err
	}
	switch x := a[0].(type) {
	case integer, *bigint:
		return x, nil
	case boolean:
		return bigVal(toBig(x)), nil
	case float:
		if math.IsInf(float64(x), 0) {
			return nil, errf("cannot convert float infinity to integer")
		}
		if n, err := truncate(float64(x)); err == nil {
			return n, nil
		}
		return def, nil
	case str, markup:
		s, _ := asText(x)
		if err := m.charge(len(s) >> 4); err != nil {
			return nil, err
		}
		if n, ok := parseInt(s, base); ok {
			return n, nil
		}
		if f, ok := parseFloat(s); ok {
			if n, err := truncate(f); err == nil {
				return n, nil
			}
		}
	}
	return def, nil
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
	if a[1] == none && method == "common" && isNumber(a[0]) { // to an integer
		v, err := filterRound(m, []Value{a[0], nil, nil})
		if f, ok := v.(float); ok {
			return truncate(float64(f))
		}
		return v, err
	}
	precision, err := optInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	if u, ok := a[0].(*undefined); ok && method != "common" {
		return nil, u.fail()
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
