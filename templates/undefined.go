package templates

// undefined is what a missing name, key or attribute evaluates to. It prints
// as nothing, is false and empty, and every other use of it is an error.
type undefined struct {
	hint string // the whole message, where set
	obj  Value  // the object that lacks the name, or nil for a variable
	name Value
}

func (*undefined) typeName() string { return "Undefined" }

func undefinedName(name string) Value {
	return &undefined{name: str(name)}
}

func undefinedAttr(obj, name Value) Value {
	return &undefined{obj: obj, name: name}
}

func undefinedHint(hint string) Value {
	return &undefined{hint: hint, name: none}
}

// unsafeAttr is the value of an attribute that the sandbox forbids.
func unsafeAttr(obj Value, name string) Value {
	return undefinedHint("access to attribute " + quote(name) + " of " +
		quote(obj.typeName()) + " object is unsafe.")
}

// fail is the error of using u.
func (u *undefined) fail() error {
	switch {
	case u.hint != "":
		return errf("%s", u.hint)
	case u.obj == nil:
		return errf("%s is undefined", reprShort(u.name))
	}
	typ := u.obj.typeName() + " object"
	if u.obj == none {
		typ = "None"
	}
	if s, ok := asText(u.name); ok {
		return errf("%s has no attribute %s", quote(typ), quote(s))
	}
	return errf("%s has no element %s", typ, reprShort(u.name))
}

// noAttribute is the error of a filter that needs an attribute v lacks.
func noAttribute(v Value, name string) error {
	if u, ok := v.(*undefined); ok {
		return u.fail()
	}
	return errf("'%s' object has no attribute '%s'", v.typeName(), name)
}

// quote is Python's repr of a short string.
func quote(s string) string { return string(appendQuoted(nil, s, false)) }

// reprShort shows a value in an error message.
func reprShort(v Value) string {
	switch x := v.(type) {
	case str:
		return quote(string(x))
	case integer, boolean, float, noneType:
		var f formatter
		if f.str(v) == nil {
			return string(f.buf)
		}
	}
	return "<" + v.typeName() + ">"
}
