package templates

import (
	"math"
	"strconv"
)

// formatter builds the text of values as Python's str and repr print them.
type formatter struct {
	m     *machine // pays for the work; nil for short, flat values
	buf   []byte
	depth int
}

func (f *formatter) charge(from int) error {
	if f.m == nil {
		return nil
	}
	if len(f.buf) > f.m.t.cfg.limits.Output {
		return limitf("a value larger than %d bytes", f.m.t.cfg.limits.Output)
	}
	return f.m.charge(1 + (len(f.buf)-from)>>4)
}

// str appends str(v).
func (f *formatter) str(v Value) error {
	if s, ok := asText(v); ok {
		from := len(f.buf)
		f.buf = append(f.buf, s...)
		return f.charge(from)
	}
	if _, ok := v.(*undefined); ok {
		return nil
	}
	return f.repr(v)
}

// repr appends repr(v).
func (f *formatter) repr(v Value) error {
	f.depth++
	defer func() { f.depth-- }()
	if f.depth > maxNesting {
		return limitf("maximum recursion depth exceeded while getting the repr of an object")
	}
	from := len(f.buf)
	switch x := v.(type) {
	case noneType:
		f.buf = append(f.buf, "None"...)
	case boolean:
		if x {
			f.buf = append(f.buf, "True"...)
		} else {
			f.buf = append(f.buf, "False"...)
		}
	case integer:
		f.buf = strconv.AppendInt(f.buf, int64(x), 10)
	case *bigint:
		return f.big(x)
	case float:
		f.buf = appendFloat(f.buf, float64(x))
	case str:
		f.buf = appendQuoted(f.buf, string(x), false)
	case markup:
		f.buf = append(appendQuoted(append(f.buf, "Markup("...), string(x), false), ')')
	case *undefined:
		f.buf = append(f.buf, "Undefined"...)
	default:
		return f.container(v)
	}
	return f.charge(from)
}

func (f *formatter) big(x *bigint) error {
	text := x.v.String()
	if len(text) > maxDigits+1 {
		return errf("Exceeds the limit (%d digits) for integer string conversion", maxDigits)
	}
	from := len(f.buf)
	f.buf = append(f.buf, text...)
	return f.charge(from)
}

// container appends values that hold others, and objects.
func (f *formatter) container(v Value) error {
	switch x := v.(type) {
	case *list:
		return f.sequence("[", x.items, "]")
	case *tuple:
		if len(x.items) == 1 {
			return f.sequence("(", x.items, ",)")
		}
		return f.sequence("(", x.items, ")")
	case *Dict:
		return f.dict(x)
	case *dictView:
		return f.view(x)
	case *namespace:
		f.buf = append(f.buf, "<Namespace "...)
		if err := f.dict(x.attrs); err != nil {
			return err
		}
		f.buf = append(f.buf, '>')
	case *loopContext:
		n, err := x.length()
		if err != nil {
			return err
		}
		f.buf = append(f.buf, "<LoopContext "...)
		f.buf = strconv.AppendInt(f.buf, int64(x.index0+1), 10)
		f.buf = append(f.buf, '/')
		f.buf = append(strconv.AppendInt(f.buf, int64(n), 10), '>')
	case *macro:
		f.buf = append(f.buf, "<Macro "...)
		if x.def.name == "" {
			f.buf = append(f.buf, "anonymous>"...)
		} else {
			f.buf = append(appendQuoted(f.buf, x.def.name, false), '>')
		}
	case *rangeVal:
		f.buf = append(f.buf, x.String()...)
	case blockRefs:
		f.buf = append(f.buf, "<TemplateReference None>"...)
	default:
		f.buf = append(f.buf, "<"+v.typeName()+" object>"...)
	}
	return f.charge(len(f.buf))
}

func (f *formatter) sequence(open string, items []Value, end string) error {
	f.buf = append(f.buf, open...)
	for i, item := range items {
		if i > 0 {
			f.buf = append(f.buf, ", "...)
		}
		if err := f.repr(item); err != nil {
			return err
		}
	}
	f.buf = append(f.buf, end...)
	return f.charge(len(f.buf))
}

func (f *formatter) dict(d *Dict) error {
	f.buf = append(f.buf, '{')
	for i, k := range d.keys {
		if i > 0 {
			f.buf = append(f.buf, ", "...)
		}
		if err := f.repr(k); err != nil {
			return err
		}
		f.buf = append(f.buf, ": "...)
		if err := f.repr(d.vals[i]); err != nil {
			return err
		}
	}
	f.buf = append(f.buf, '}')
	return f.charge(len(f.buf))
}

func (f *formatter) view(v *dictView) error {
	if f.m != nil {
		if err := f.m.charge(v.d.Len()); err != nil {
			return err
		}
	}
	items := make([]Value, v.d.Len())
	for i := range items {
		items[i] = v.item(i)
	}
	return f.sequence(v.typeName()+"([", items, "])")
}

// String is the repr of a range.
func (r *rangeVal) String() string {
	s := "range(" + strconv.FormatInt(r.start, 10) + ", " + strconv.FormatInt(r.stop, 10)
	if r.step != 1 {
		s += ", " + strconv.FormatInt(r.step, 10)
	}
	return s + ")"
}

// appendFloat appends the repr of a float: the shortest text that reads back
// as the same number, with an exponent below 1e-4 and from 1e16 on.
func appendFloat(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "nan"...)
	case math.IsInf(x, 1):
		return append(b, "inf"...)
	case math.IsInf(x, -1):
		return append(b, "-inf"...)
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	from := len(b)
	b = strconv.AppendFloat(b, x, 'f', -1, 64)
	for _, c := range b[from:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// text returns str(v).
func (m *machine) text(v Value) (string, error) {
	if s, ok := asText(v); ok {
		return s, nil
	}
	f := formatter{m: m}
	err := f.str(v)
	return string(f.buf), err
}
