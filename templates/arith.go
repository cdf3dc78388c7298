package templates

import (
	"math"
	"math/big"
	"strings"
)

// maxDigits bounds integer literals and conversions, as Python does.
const maxDigits = 4300

// maxBits bounds the integers a template may compute.
const maxBits = 1 << 16

// binary applies an arithmetic operator.
func (m *machine) binary(op string, l, r Value) (Value, error) {
	if op == "%" {
		if s, ok := asText(l); ok {
			return m.percentFormat(l, s, r)
		}
	}
	for _, v := range []Value{l, r} {
		if u, ok := v.(*undefined); ok {
			return nil, u.fail()
		}
	}
	if isNumber(l) && isNumber(r) {
		return number(op, l, r)
	}
	var v Value
	var err error
	switch op {
	case "+":
		v, err = m.concat(l, r)
	case "*":
		if v, err = m.repeat(l, r); v == nil && err == nil {
			v, err = m.repeat(r, l)
		}
	}
	if v == nil && err == nil {
		err = unsupported(op, l, r)
	}
	return v, err
}

func unsupported(op string, l, r Value) error {
	return errf("unsupported operand type(s) for %s: '%s' and '%s'", op, l.typeName(), r.typeName())
}

// concat adds two strings or sequences; nil means that it cannot.
func (m *machine) concat(l, r Value) (Value, error) {
	a, aok := asText(l)
	b, bok := asText(r)
	if aok && bok {
		return m.concatText(l, r, a, b)
	}
	var x, y []Value
	switch p := l.(type) {
	case *list:
		q, ok := r.(*list)
		if !ok {
			return nil, errf("can only concatenate list (not \"%s\") to list", r.typeName())
		}
		x, y = p.items, q.items
	case *tuple:
		q, ok := r.(*tuple)
		if !ok {
			return nil, errf("can only concatenate tuple (not \"%s\") to tuple", r.typeName())
		}
		x, y = p.items, q.items
	default:
		return nil, nil
	}
	if err := m.room(16 * (len(x) + len(y))); err != nil {
		return nil, err
	}
	items := append(append(make([]Value, 0, len(x)+len(y)), x...), y...)
	if _, ok := l.(*list); ok {
		return &list{items}, nil
	}
	return &tuple{items: items}, nil
}

// concatText adds two texts; markup escapes what is joined to it.
func (m *machine) concatText(l, r Value, a, b string) (Value, error) {
	_, lm := l.(markup)
	_, rm := r.(markup)
	if !lm && !rm {
		text, err := m.join(a, b)
		return str(text), err
	}
	if err := m.room(len(a) + len(b)); err != nil {
		return nil, err
	}
	if !lm {
		a = escapeHTML(a)
	}
	if !rm {
		b = escapeHTML(b)
	}
	return markup(a + b), nil
}

// repeat multiplies a string or sequence by an integer; nil means that it cannot.
func (m *machine) repeat(seq, times Value) (Value, error) {
	size := 0
	text, isText := asText(seq)
	var items []Value
	switch x := seq.(type) {
	case str, markup:
		size = len(text)
	case *list:
		items, size = x.items, 16*len(x.items)
	case *tuple:
		items, size = x.items, 16*len(x.items)
	default:
		return nil, nil
	}
	n, ok := asInt(times)
	if !ok {
		return nil, errf("can't multiply sequence by non-int of type '%s'", times.typeName())
	}
	n = max(n, 0)
	if size == 0 {
		n = 0
	}
	if size > 0 && n > int64(m.t.cfg.limits.Output/size) {
		return nil, m.room(math.MaxInt)
	}
	if err := m.room(size * int(n)); err != nil {
		return nil, err
	}
	if isText {
		text = strings.Repeat(text, int(n))
		if _, ok := seq.(markup); ok {
			return markup(text), nil
		}
		return str(text), nil
	}
	out := make([]Value, 0, len(items)*int(n))
	for range n {
		out = append(out, items...)
	}
	if _, ok := seq.(*list); ok {
		return &list{out}, nil
	}
	return &tuple{items: out}, nil
}

// unary applies a sign.
func unary(op string, v Value) (Value, error) {
	if u, ok := v.(*undefined); ok {
		return nil, u.fail()
	}
	switch x := v.(type) {
	case float:
		if op == "-" {
			return -x, nil
		}
		return x, nil
	case boolean, integer, *bigint:
		n := toBig(v)
		if op == "-" {
			n.Neg(n)
		}
		return bigVal(n), nil
	}
	return nil, errf("bad operand type for unary %s: '%s'", op, v.typeName())
}

// toBig returns a fresh big integer of an integer or boolean.
func toBig(v Value) *big.Int {
	if x, ok := v.(*bigint); ok {
		return new(big.Int).Set(x.v)
	}
	n, _ := asInt(v)
	return big.NewInt(n)
}

// toFloat converts a number, or fails where it is too large.
func toFloat(v Value) (float64, error) {
	switch x := v.(type) {
	case float:
		return float64(x), nil
	case *bigint:
		f, _ := new(big.Float).SetInt(x.v).Float64()
		if math.IsInf(f, 0) {
			return 0, errf("int too large to convert to float")
		}
		return f, nil
	}
	n, _ := asInt(v)
	return float64(n), nil
}

// number computes with two numbers.
func number(op string, l, r Value) (Value, error) {
	_, lf := l.(float)
	_, rf := r.(float)
	if lf || rf || op == "/" {
		a, err := toFloat(l)
		if err != nil {
			return nil, err
		}
		b, err := toFloat(r)
		if err != nil {
			return nil, err
		}
		return floatOp(op, a, b)
	}
	a, aok := asInt(l)
	b, bok := asInt(r)
	if aok && bok {
		if v, ok := smallOp(op, a, b); ok {
			return v, nil
		}
	}
	return bigOp(op, toBig(l), toBig(r))
}

// smallOp computes with machine integers where nothing can overflow.
func smallOp(op string, a, b int64) (Value, bool) {
	const half = 1 << 31
	small := a > -half && a < half && b > -half && b < half
	switch op {
	case "+":
		return integer(a + b), small
	case "-":
		return integer(a - b), small
	case "*":
		return integer(a * b), small
	}
	return nil, false
}

func bigOp(op string, a, b *big.Int) (Value, error) {
	switch op {
	case "+":
		return checkBits(a.Add(a, b))
	case "-":
		return checkBits(a.Sub(a, b))
	case "*":
		return checkBits(a.Mul(a, b))
	case "//", "%":
		if b.Sign() == 0 {
			return nil, errf("integer division or modulo by zero")
		}
		q, rem := new(big.Int).QuoRem(a, b, new(big.Int))
		if rem.Sign() != 0 && rem.Sign() != b.Sign() { // Python rounds down
			q.Sub(q, big.NewInt(1))
			rem.Add(rem, b)
		}
		if op == "//" {
			return bigVal(q), nil
		}
		return bigVal(rem), nil
	}
	return intPow(a, b)
}

func checkBits(n *big.Int) (Value, error) {
	if n.BitLen() > maxBits {
		return nil, limitf("integer of more than %d bits", maxBits)
	}
	return bigVal(n), nil
}

func intPow(a, b *big.Int) (Value, error) {
	if b.Sign() < 0 {
		x, err := toFloat(bigVal(a))
		if err != nil {
			return nil, err
		}
		y, err := toFloat(bigVal(b))
		if err != nil {
			return nil, err
		}
		return floatOp("**", x, y)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxBits || int64(a.BitLen()-1)*b.Int64() > maxBits) {
		return nil, limitf("integer of more than %d bits", maxBits)
	}
	if a.BitLen() <= 1 { // -1, 0 and 1 have powers of any size
		if b.Sign() > 0 && (a.Sign() >= 0 || b.Bit(0) == 1) {
			return bigVal(a), nil
		}
		return integer(1), nil
	}
	return checkBits(a.Exp(a, b, nil))
}

func floatOp(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return float(a + b), nil
	case "-":
		return float(a - b), nil
	case "*":
		return float(a * b), nil
	case "**":
		return floatPow(a, b)
	}
	if b == 0 {
		return nil, errf("division by zero")
	}
	if op == "/" {
		return float(a / b), nil
	}
	mod := math.Mod(a, b)
	div := (a - mod) / b
	if mod != 0 {
		if (b < 0) != (mod < 0) {
			mod += b
			div--
		}
	} else {
		mod = math.Copysign(0, b)
	}
	if op == "%" {
		return float(mod), nil
	}
	if div == 0 {
		return float(math.Copysign(0, a/b)), nil
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return float(floor), nil
}

func floatPow(a, b float64) (Value, error) {
	switch {
	case a == 0 && b < 0:
		return nil, errf("0.0 cannot be raised to a negative power")
	case a < 0 && !math.IsInf(a, 0) && b != math.Trunc(b):
		return nil, errf("a negative number cannot be raised to a fractional power")
	}
	f := math.Pow(a, b)
	if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, errf("(34, 'Numerical result out of range')")
	}
	return float(f), nil
}
