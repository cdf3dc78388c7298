package templates

import (
	"math/big"
	"unicode/utf8"
)

// Value is anything a template computes with: None, booleans, integers,
// floats, strings, lists, tuples, mappings and what templates make of them.
// ValueOf and ParseJSON build values; nil is not one.
type Value interface {
	// typeName is Python's name of the type, as its messages show it.
	typeName() string
}

type (
	noneType struct{}
	boolean  bool
	integer  int64
	float    float64
	// str is text in UTF-8; lengths and indexes count code points.
	str string
	// markup is text marked as safe HTML. It prints like str, but operators
	// escape what is joined to it.
	markup string
	// bigint is an integer beyond int64.
	bigint struct{ v *big.Int }
	// list is a list; templates cannot modify one, so it may be shared.
	list struct{ items []Value }
	// tuple is a tuple; names, where set, give attribute access to the items.
	tuple struct {
		items []Value
		names []string
	}
	// rangeVal is range(start, stop, step) with n items.
	rangeVal struct{ start, stop, step, n int64 }
	// namespace is the one object whose attributes templates may assign.
	namespace struct{ attrs *Dict }
)

var (
	none     Value = noneType{}
	emptyStr Value = str("")
	trueVal  Value = boolean(true)
	falseVal Value = boolean(false)
)

func (noneType) typeName() string   { return "NoneType" }
func (boolean) typeName() string    { return "bool" }
func (integer) typeName() string    { return "int" }
func (*bigint) typeName() string    { return "int" }
func (float) typeName() string      { return "float" }
func (str) typeName() string        { return "str" }
func (markup) typeName() string     { return "Markup" }
func (*list) typeName() string      { return "list" }
func (*tuple) typeName() string     { return "tuple" }
func (*rangeVal) typeName() string  { return "range" }
func (*namespace) typeName() string { return "Namespace" }

func boolVal(b bool) Value {
	if b {
		return trueVal
	}
	return falseVal
}

// bigVal wraps b, as a plain integer where it fits.
func bigVal(b *big.Int) Value {
	if b.IsInt64() {
		return integer(b.Int64())
	}
	return &bigint{b}
}

// asText returns the text of a string value.
func asText(v Value) (string, bool) {
	switch s := v.(type) {
	case str:
		return string(s), true
	case markup:
		return string(s), true
	}
	return "", false
}

// asInt returns v as an int64 where v is an integer (or a boolean) that fits.
func asInt(v Value) (int64, bool) {
	switch n := v.(type) {
	case integer:
		return int64(n), true
	case boolean:
		if n {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// isASCII reports whether code points of s are its bytes.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch x := v.(type) {
	case noneType, *undefined:
		return false
	case boolean:
		return bool(x)
	case integer:
		return x != 0
	case float:
		return x != 0
	case str:
		return x != ""
	case markup:
		return x != ""
	case *list:
		return len(x.items) > 0
	case *tuple:
		return len(x.items) > 0
	case *Dict:
		return x.Len() > 0
	case *dictView:
		return x.d.Len() > 0
	case *rangeVal:
		return x.n > 0
	case *loopContext:
		n, err := x.length()
		return err != nil || n > 0
	}
	return true
}

// length is Python's len(v).
func length(v Value) (int, error) {
	switch x := v.(type) {
	case str:
		return utf8.RuneCountInString(string(x)), nil
	case markup:
		return utf8.RuneCountInString(string(x)), nil
	case *list:
		return len(x.items), nil
	case *tuple:
		return len(x.items), nil
	case *Dict:
		return x.Len(), nil
	case *dictView:
		return x.d.Len(), nil
	case *rangeVal:
		return int(x.n), nil
	case *undefined:
		return 0, nil
	case *loopContext:
		return x.length()
	}
	return 0, errf("object of type '%s' has no len()", v.typeName())
}
