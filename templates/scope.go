package templates

// Jinja resolves names before a template runs: every block that opens a scope
// has a set of symbols, each bound to a slot of the function it runs in, and a
// plan of how to fill the slots on entry. Which outer variables an assignment
// shadows follows from that, so it is reproduced here step by step.

// function is a unit that runs with its own slots: the template, a macro, a
// named block, a recursive loop or a loop's filter.
type function struct {
	parent *function
	slots  map[slotKey]int
}

// slotKey names a slot: scopes on the same level of a function share slots.
type slotKey struct {
	level int
	name  string
}

func (f *function) slot(level int, name string) int {
	k := slotKey{level, name}
	i, ok := f.slots[k]
	if !ok {
		i = len(f.slots)
		f.slots[k] = i
	}
	return i
}

// loadKind tells how a slot is filled when its scope is entered.
type loadKind uint8

const (
	loadParam   loadKind = iota // by the code that enters
	loadResolve                 // from the template's variables
	loadAlias                   // from an outer scope
	loadMissing                 // not at all
)

type load struct {
	kind  loadKind
	outer *symbols // of loadAlias
}

// symbols are the names of one scope.
type symbols struct {
	level  int
	parent *symbols
	fn     *function
	loads  map[string]load // every name that has a slot here
	order  []string        // keys of loads, in the order of their first use
	stores map[string]bool
}

func newSymbols(parent *symbols, fn *function) *symbols {
	s := &symbols{parent: parent, fn: fn, loads: map[string]load{}, stores: map[string]bool{}}
	if parent != nil {
		s.level = parent.level + 1
	}
	return s
}

// find returns the innermost scope that knows name, or nil.
func (s *symbols) find(name string) *symbols {
	for ; s != nil; s = s.parent {
		if _, ok := s.loads[name]; ok {
			return s
		}
	}
	return nil
}

func (s *symbols) define(name string, l load) {
	if _, ok := s.loads[name]; !ok {
		s.order = append(s.order, name)
	}
	s.loads[name] = l
}

// store notes an assignment.
func (s *symbols) store(name string) {
	s.stores[name] = true
	if _, ok := s.loads[name]; ok {
		return
	}
	if outer := s.parent.find(name); outer != nil {
		s.define(name, load{kind: loadAlias, outer: outer})
		return
	}
	s.define(name, load{kind: loadMissing})
}

// param notes a name that the entering code sets.
func (s *symbols) param(name string) {
	s.stores[name] = true
	s.define(name, load{kind: loadParam})
}

// read notes a use.
func (s *symbols) read(name string) {
	if s.find(name) == nil {
		s.define(name, load{kind: loadResolve})
	}
}

// branch returns a copy for one branch of an if.
func (s *symbols) branch() *symbols {
	c := &symbols{level: s.level, parent: s.parent, fn: s.fn, order: s.order[:len(s.order):len(s.order)],
		loads: make(map[string]load, len(s.loads)), stores: make(map[string]bool, len(s.stores))}
	for k, v := range s.loads {
		c.loads[k] = v
	}
	for k := range s.stores {
		c.stores[k] = true
	}
	return c
}

// merge takes over what the branches of an if did. What only some of them
// assigned keeps its outer value otherwise.
func (s *symbols) merge(branches []*symbols) {
	fresh := map[string]bool{}
	for _, b := range branches {
		for name := range b.stores {
			if !s.stores[name] {
				fresh[name] = true
			}
		}
	}
	for _, b := range branches {
		for _, name := range b.order {
			s.define(name, b.loads[name])
		}
		for name := range b.stores {
			s.stores[name] = true
		}
	}
	for _, name := range s.order {
		if !fresh[name] {
			continue
		}
		if outer := s.parent.find(name); outer != nil {
			s.loads[name] = load{kind: loadAlias, outer: outer}
		} else {
			s.loads[name] = load{kind: loadResolve}
		}
	}
}

// frameInfo is the plan for entering a scope.
type frameInfo struct{ steps []frameStep }

type frameStep struct {
	kind loadKind
	slot int
	name string
	from varRef
}

// refTo returns the place of name as seen from function fn.
func (s *symbols) refTo(name string, fn *function) varRef {
	owner := s.find(name)
	if owner == nil {
		return varRef{-1, -1}
	}
	hops := 0
	for f := fn; f != owner.fn && f != nil; f = f.parent {
		hops++
	}
	return varRef{hops, owner.fn.slot(owner.level, name)}
}

// plan lists how to fill the slots of s on entry.
func (s *symbols) plan() frameInfo {
	var fi frameInfo
	for _, name := range s.order {
		l := s.loads[name]
		step := frameStep{kind: l.kind, slot: s.fn.slot(s.level, name), name: name}
		if l.kind == loadAlias {
			step.from = l.outer.refTo(name, s.fn)
		}
		fi.steps = append(fi.steps, step)
	}
	return fi
}
