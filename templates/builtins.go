package templates

// builtins are the global variables of every template.
var builtins = map[string]Value{
	"range":           builtinFunc("range", positional(fixed("start stop? step?", globalRange))),
	"namespace":       builtinFunc("namespace", variadic(globalNamespace)),
	"dict":            dictFactory{},
	"cycler":          builtinFunc("cycler", variadic(globalCycler)),
	"joiner":          builtinFunc("joiner", fixed("sep?", globalJoiner)),
	"lipsum":          builtinFunc("lipsum", variadic(globalLipsum)),
	"raise_exception": builtinFunc("raise_exception", fixed("message", globalRaise)),
	"strftime_now":    builtinFunc("strftime_now", fixed("format", globalStrftime)),
}

func builtinFunc(name string, b *builtin) Value {
	b.name = name
	return b
}

func globalRaise(m *machine, a []Value) (Value, error) {
	s, err := m.text(a[0])
	if err != nil {
		return nil, err
	}
	return nil, &fault{msg: s, err: ErrRaised}
}

// maxRange is the longest range the sandbox allows.
const maxRange = 100_000

func globalRange(m *machine, a []Value) (Value, error) {
	var n [3]int64
	for i, def := range []int64{0, 0, 1} {
		n[i] = def
		if a[i] == nil {
			continue
		}
		switch x := a[i].(type) {
		case integer, boolean:
			n[i], _ = asInt(x)
		case *bigint:
			return nil, errf("Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
		default:
			return nil, errf("'%s' object cannot be interpreted as an integer", x.typeName())
		}
	}
	r := &rangeVal{start: n[0], stop: n[1], step: n[2]}
	if a[1] == nil {
		r.start, r.stop = 0, n[0]
	}
	if r.step == 0 {
		return nil, errf("range() arg 3 must not be zero")
	}
	span := float64(r.stop) - float64(r.start) // exact enough to see what is too long
	if span/float64(r.step) > maxRange+1 {
		return nil, errf("Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	if r.step > 0 && r.stop > r.start {
		r.n = (r.stop-r.start-1)/r.step + 1
	} else if r.step < 0 && r.stop < r.start {
		r.n = (r.start-r.stop-1)/-r.step + 1
	}
	if r.n > maxRange {
		return nil, errf("Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return r, nil
}

func globalNamespace(m *machine, a args) (Value, error) {
	d, err := m.makeDict(a)
	if err != nil {
		return nil, err
	}
	for _, k := range d.keys {
		if name, ok := asText(k); ok {
			if err := checkNamespaceName(name); err != nil {
				return nil, err
			}
		}
	}
	return &namespace{d}, nil
}

func checkNamespaceName(name string) error {
	if len(name) > 0 && name[0] == '_' {
		return errf("Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s. "+
			"Please rename the attribute.", quote(name))
	}
	return nil
}

func (ns *namespace) set(name string, v Value) error {
	if err := checkNamespaceName(name); err != nil {
		return err
	}
	ns.attrs.setStr(name, v)
	return nil
}

// makeDict is Python's dict(mapping or pairs, **names).
func (m *machine) makeDict(a args) (*Dict, error) {
	d := NewDict()
	switch len(a.pos) {
	case 0:
	case 1:
		if src, ok := a.pos[0].(*Dict); ok {
			d = src.clone()
			break
		}
		pairs, err := m.items(a.pos[0])
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			kv, err := m.unpack(p, 2)
			if err != nil {
				return nil, err
			}
			if err := d.set(kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
	default:
		return nil, errf("dict expected at most 1 argument, got %d", len(a.pos))
	}
	for i, name := range a.names {
		d.setStr(name, a.vals[i])
	}
	return d, m.charge(d.Len())
}

// dictFactory is the global dict, which can be called and has fromkeys.
type dictFactory struct{}

func (dictFactory) typeName() string { return "TemplateDict" }

var dictFactoryMethods = named(map[string]*builtin{
	"fromkeys": fixed("self iterable value?", func(m *machine, a []Value) (Value, error) {
		return m.fromKeys(a[1], a[2])
	}),
})

// cycler hands out its items in turn.
type cycler struct {
	items []Value
	at    int
}

func (*cycler) typeName() string { return "Cycler" }

func globalCycler(m *machine, a args) (Value, error) {
	if len(a.names) > 0 {
		return nil, errf("cycler() got an unexpected keyword argument %s", quote(a.names[0]))
	}
	if len(a.pos) == 0 {
		return nil, errf("at least one item has to be provided")
	}
	return &cycler{items: a.pos}, nil
}

func (c *cycler) attr(name string) Value {
	switch name {
	case "current":
		return c.items[c.at]
	case "pos":
		return integer(c.at)
	case "items":
		return &tuple{items: c.items}
	}
	return nil
}

var cyclerMethods = named(map[string]*builtin{
	"next": fixed("self", func(m *machine, a []Value) (Value, error) {
		c := a[0].(*cycler)
		v := c.items[c.at]
		c.at = (c.at + 1) % len(c.items)
		return v, nil
	}),
	"reset": fixed("self", func(m *machine, a []Value) (Value, error) {
		a[0].(*cycler).at = 0
		return none, nil
	}),
})

// joiner is empty at its first call and a separator at all later ones.
type joiner struct {
	sep  Value
	used bool
}

func (*joiner) typeName() string { return "Joiner" }

func globalJoiner(m *machine, a []Value) (Value, error) {
	if a[0] == nil {
		return &joiner{sep: str(", ")}, nil
	}
	return &joiner{sep: a[0]}, nil
}

func (j *joiner) next() Value {
	if !j.used {
		j.used = true
		return emptyStr
	}
	return j.sep
}

func globalLipsum(*machine, args) (Value, error) {
	return nil, errf("lipsum is not supported in chat templates")
}
