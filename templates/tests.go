package templates

// tests are the tests of Jinja by name. Filled by init, since some look tests
// up by name themselves; never changed afterwards.
var tests map[string]*builtin

func init() {
	tests = map[string]*builtin{
		"odd":         fixed("value", parity(1)),
		"even":        fixed("value", parity(0)),
		"divisibleby": fixed("value num", divisible),
		"defined":     is(func(v Value) bool { _, missing := v.(*undefined); return !missing }),
		"undefined":   is(func(v Value) bool { _, missing := v.(*undefined); return missing }),
		"none":        is(func(v Value) bool { return v == none }),
		"boolean":     is(func(v Value) bool { _, ok := v.(boolean); return ok }),
		"true":        is(func(v Value) bool { return v == trueVal }),
		"false":       is(func(v Value) bool { return v == falseVal }),
		"integer":     is(isInteger),
		"float":       is(func(v Value) bool { _, ok := v.(float); return ok }),
		"number":      is(isNumber),
		"string":      is(func(v Value) bool { _, ok := asText(v); return ok }),
		"mapping":     is(func(v Value) bool { _, ok := v.(*Dict); return ok }),
		"sequence":    is(isSequence),
		"callable":    is(isCallable),
		"escaped":     is(func(v Value) bool { _, ok := v.(markup); return ok }),
		"lower":       fixed("value", caseTest(isLowerText)),
		"upper":       fixed("value", caseTest(isUpperText)),
		"filter":      fixed("value", nameTest(func(s string) bool { return filters[s] != nil })),
		"test":        fixed("value", nameTest(func(s string) bool { return tests[s] != nil })),
		"iterable": fixed("value", func(m *machine, a []Value) (Value, error) {
			_, err := m.iterate(a[0])
			return boolVal(err == nil), nil
		}),
		"sameas": fixed("value other", func(m *machine, a []Value) (Value, error) {
			return boolVal(same(a[0], a[1])), nil
		}),
		"in": comparison("in"),
	}
	for op, names := range map[string][]string{"==": {"eq", "equalto"}, "!=": {"ne"}, ">": {"gt", "greaterthan"},
		">=": {"ge"}, "<": {"lt", "lessthan"}, "<=": {"le"}} {
		b := comparison(op)
		tests[op] = b
		for _, n := range names {
			tests[n] = b
		}
	}
	named(tests)
}

func is(ok func(Value) bool) *builtin {
	return fixed("value", func(m *machine, a []Value) (Value, error) { return boolVal(ok(a[0])), nil })
}

func comparison(op string) *builtin {
	return fixed("a b", func(m *machine, a []Value) (Value, error) {
		ok, err := m.compare(op, a[0], a[1])
		return boolVal(ok), err
	})
}

// parity and divisible compute value % n == rest with all of % 's rules.
func parity(rest int64) func(m *machine, a []Value) (Value, error) {
	return func(m *machine, a []Value) (Value, error) {
		r, err := m.binary("%", a[0], integer(2))
		if err != nil {
			return nil, err
		}
		ok, err := m.equal(r, integer(rest), 0)
		return boolVal(ok), err
	}
}

func divisible(m *machine, a []Value) (Value, error) {
	r, err := m.binary("%", a[0], a[1])
	if err != nil {
		return nil, err
	}
	ok, err := m.equal(r, integer(0), 0)
	return boolVal(ok), err
}

func isInteger(v Value) bool {
	switch v.(type) {
	case integer, *bigint:
		return true
	}
	return false
}

func isSequence(v Value) bool {
	switch v.(type) {
	case str, markup, *list, *tuple, *Dict, *rangeVal, *undefined:
		return true
	}
	return false
}

func isCallable(v Value) bool {
	switch v.(type) {
	case *builtin, *macro, *undefined, *loopContext, *joiner, blockRef, dictFactory:
		return true
	}
	return false
}

func caseTest(ok func(string) bool) func(m *machine, a []Value) (Value, error) {
	return func(m *machine, a []Value) (Value, error) {
		s, err := m.text(a[0])
		if err == nil {
			err = m.charge(len(s) >> 4)
		}
		return boolVal(err == nil && ok(s)), err
	}
}

func nameTest(ok func(string) bool) func(m *machine, a []Value) (Value, error) {
	return func(m *machine, a []Value) (Value, error) {
		s, text := asText(a[0])
		if _, _, err := hashKey(a[0], 0); err != nil {
			return nil, err
		}
		return boolVal(text && ok(s)), nil
	}
}

// same is Python's a is b. Equal strings and small integers count as one
// object there in most cases, and so they do here.
func same(a, b Value) bool {
	if x, ok := asText(a); ok {
		y, ok := asText(b)
		return ok && x == y && a.typeName() == b.typeName()
	}
	return a == b
}
