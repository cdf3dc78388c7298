package templates

import "math/bits"

// method returns a method of obj as a function that takes obj first, or nil.
func method(obj Value, name string) *builtin {
	switch obj.(type) {
	case str:
		return strMethods[name]
	case markup:
		if b := markupMethods[name]; b != nil {
			return b
		}
		return strMethods[name]
	case *Dict:
		return dictMethods[name]
	case *list, *tuple:
		b := listMethods[name]
		if _, ok := obj.(*tuple); ok && name == "copy" {
			return nil
		}
		return b
	case *rangeVal:
		if name != "copy" {
			return listMethods[name]
		}
	case float:
		return floatMethods[name]
	case integer, boolean, *bigint:
		return intMethods[name]
	case *cycler:
		return cyclerMethods[name]
	case dictFactory:
		return dictFactoryMethods[name]
	}
	return nil
}

// named fills in the names of functions from their keys.
func named(table map[string]*builtin) map[string]*builtin {
	for name, b := range table {
		b.name = name
	}
	return table
}

// methodTable describes methods: like most in Python they take no keywords.
func methodTable(table map[string]*builtin) map[string]*builtin {
	for _, b := range table {
		b.strict = true
	}
	return named(table)
}

var listMutators = setOf("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove")
var dictMutators = setOf("clear", "pop", "popitem", "setdefault", "update")

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

// mutators returns the methods of obj that the sandbox forbids.
func mutators(obj Value) map[string]bool {
	switch obj.(type) {
	case *list:
		return listMutators
	case *Dict:
		return dictMutators
	}
	return nil
}

var dictMethods = methodTable(map[string]*builtin{
	"get": fixed("self key default?", func(m *machine, a []Value) (Value, error) {
		v, err := a[0].(*Dict).get(a[1])
		if err == nil {
			err = m.chargeText(a[1])
		}
		switch {
		case err != nil || v != nil:
			return v, err
		case a[2] != nil:
			return a[2], nil
		}
		return none, nil
	}),
	"keys":   viewMethod(viewKeys),
	"values": viewMethod(viewValues),
	"items":  viewMethod(viewItems),
	"copy": fixed("self", func(m *machine, a []Value) (Value, error) {
		d := a[0].(*Dict)
		return d.clone(), m.charge(d.Len())
	}),
	"fromkeys": fixed("self iterable value?", func(m *machine, a []Value) (Value, error) {
		return m.fromKeys(a[1], a[2])
	}),
})

func viewMethod(part viewPart) *builtin {
	return fixed("self", func(m *machine, a []Value) (Value, error) { return &dictView{a[0].(*Dict), part}, nil })
}

// fromKeys is Python's dict.fromkeys.
func (m *machine) fromKeys(keys, val Value) (Value, error) {
	if val == nil {
		val = none
	}
	items, err := m.items(keys)
	if err != nil {
		return nil, err
	}
	d := NewDict()
	for _, k := range items {
		if err := d.set(k, val); err != nil {
			return nil, err
		}
	}
	return d, nil
}

var listMethods = methodTable(map[string]*builtin{
	"copy": fixed("self", func(m *machine, a []Value) (Value, error) { return a[0], nil }),
	"count": fixed("self value", func(m *machine, a []Value) (Value, error) {
		items, err := m.items(a[0])
		n := 0
		for _, v := range items {
			eq, err := m.equal(v, a[1], 0)
			if err != nil {
				return nil, err
			}
			if eq {
				n++
			}
		}
		return integer(n), err
	}),
	"index": fixed("self value start? stop?", listIndex),
})

func listIndex(m *machine, a []Value) (Value, error) {
	items, err := m.items(a[0])
	if err != nil {
		return nil, err
	}
	start, stop := orNone(a[2]), orNone(a[3])
	b, err := sliceBounds(len(items), start, stop, none)
	if err != nil {
		return nil, err
	}
	for i := b.start; i < b.start+b.n; i++ {
		eq, err := m.equal(items[i], a[1], 0)
		if err != nil {
			return nil, err
		}
		if eq {
			return integer(i), nil
		}
	}
	return nil, errf("value is not in %s", a[0].typeName())
}

func orNone(v Value) Value {
	if v == nil {
		return none
	}
	return v
}

var floatMethods = methodTable(map[string]*builtin{
	"is_integer": fixed("self", func(m *machine, a []Value) (Value, error) {
		f := float64(a[0].(float))
		return boolVal(f == float64(int64(f)) || f > 1<<62 && f-f == 0 || f < -(1<<62) && f-f == 0), nil
	}),
	"conjugate":        fixed("self", func(m *machine, a []Value) (Value, error) { return a[0], nil }),
	"hex":              variadic(numberRefused),
	"fromhex":          variadic(numberRefused),
	"as_integer_ratio": variadic(numberRefused),
})

func numberRefused(*machine, args) (Value, error) {
	return nil, errf("hex, as_integer_ratio and conversions to and from bytes are not supported in chat templates")
}

var intMethods = methodTable(map[string]*builtin{
	"bit_length": fixed("self", func(m *machine, a []Value) (Value, error) {
		return integer(toBig(a[0]).BitLen()), nil
	}),
	"bit_count": fixed("self", func(m *machine, a []Value) (Value, error) {
		n := 0
		for _, w := range toBig(a[0]).Bits() {
			n += bits.OnesCount(uint(w))
		}
		return integer(n), nil
	}),
	"conjugate":        fixed("self", func(m *machine, a []Value) (Value, error) { return bigVal(toBig(a[0])), nil }),
	"as_integer_ratio": variadic(numberRefused),
	"to_bytes":         variadic(numberRefused),
	"from_bytes":       variadic(numberRefused),
})
