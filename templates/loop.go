package templates

// loopContext is the variable loop.
type loopContext struct {
	src     Value     // what is iterated over
	it      *iterator // its items
	index0  int
	size    int // known length, or -1
	depth   int
	peeked  bool
	after   Value // the item peeked at; nil where there is none
	prev    Value
	current Value
	last    []Value // arguments of the last changed()
	called  bool    // changed() was called
	again   func(m *machine, items Value, depth int) (Value, error)
}

func (*loopContext) typeName() string { return "LoopContext" }

func (n *forStmt) exec(m *machine) (control, error) {
	items, err := m.eval(n.iter)
	if err != nil {
		return flowNext, err
	}
	if !n.recursive {
		flow, err := n.loopOver(m, items, 0)
		return flow, at(err, n.pos)
	}
	v, err := n.recursion(m.frame)(m, items, 0)
	if err != nil {
		return flowNext, at(err, n.pos)
	}
	return flowNext, at(m.print(v), n.pos)
}

// recursion returns the function that renders a recursive loop.
func (n *forStmt) recursion(outer *frame) func(*machine, Value, int) (Value, error) {
	return func(m *machine, items Value, depth int) (Value, error) {
		if err := m.deeper(); err != nil {
			return nil, err
		}
		caller := m.frame
		m.frame = &frame{slots: make([]Value, len(n.fn.slots)), parent: outer}
		text, _, err := m.captured(func() (control, error) { return n.loopOver(m, items, depth) })
		m.frame = caller
		m.depth--
		return str(text), err
	}
}

// loopOver runs the body for each item.
func (n *forStmt) loopOver(m *machine, items Value, depth int) (control, error) {
	if n.filter != nil {
		filtered, err := n.filtered(m, items)
		if err != nil {
			return flowNext, err
		}
		items = filtered
	}
	it, err := m.iterate(items)
	if err != nil {
		return flowNext, err
	}
	next := it.next
	var ctx *loopContext
	if n.extended {
		ctx = &loopContext{src: items, it: it, index0: -1, size: -1, depth: depth}
		if n.recursive {
			ctx.again = n.recursion(m.frame.parent)
		}
		next = ctx.next
	}
	completed := false // one iteration ran to its end, which is what else asks for
	for flow := flowNext; flow != flowBreak; {
		item, err := next()
		if err != nil {
			return flowNext, err
		}
		if item == nil {
			break
		}
		if err := m.charge(1); err != nil {
			return flowNext, err
		}
		if flow, err = n.iteration(m, item, ctx); err != nil {
			return flowNext, err
		}
		completed = completed || flow == flowNext
	}
	m.leave(&n.inner)
	if !completed && len(n.other) > 0 {
		m.enter(&n.otherFrame)
		flow, err := m.exec(n.other)
		m.leave(&n.otherFrame)
		return flow, err
	}
	return flowNext, nil
}

// iteration runs the body once. Python assigns the target before it enters
// the scope, which leaves parameters alone.
func (n *forStmt) iteration(m *machine, item Value, ctx *loopContext) (control, error) {
	if err := m.assign(n.target, item); err != nil {
		return flowNext, err
	}
	if ctx != nil {
		*m.slot(n.loop) = ctx
	}
	m.enter(&n.inner)
	return m.exec(n.body)
}

// filtered returns an iterator over the items that pass the loop's condition.
func (n *forStmt) filtered(m *machine, items Value) (Value, error) {
	src, err := m.iterate(items)
	if err != nil {
		return nil, err
	}
	outer := m.frame
	if n.recursive {
		outer = m.frame.parent
	}
	inner := &frame{slots: make([]Value, len(n.filter.slots)), parent: outer}
	entered := false
	return m.generator(func() (Value, error) {
		caller := m.frame
		m.frame = inner
		defer func() { m.frame = caller }()
		if !entered {
			m.enter(&n.filterFrame)
			entered = true
		}
		for {
			item, err := src.next()
			if item == nil || err != nil {
				return nil, err
			}
			if err := m.assign(n.filterTarget, item); err != nil {
				return nil, err
			}
			ok, err := m.eval(n.test)
			if err != nil {
				return nil, err
			}
			if truth(ok) {
				return item, nil
			}
			if err := m.charge(1); err != nil {
				return nil, err
			}
		}
	}), nil
}

// next advances the loop.
func (l *loopContext) next() (Value, error) {
	item, err := l.peek()
	if item == nil || err != nil {
		return nil, err
	}
	l.peeked = false
	l.index0++
	l.prev, l.current = l.current, item
	return item, nil
}

// peek returns the next item without advancing, or nil at the end.
func (l *loopContext) peek() (Value, error) {
	if !l.peeked {
		item, err := l.it.next()
		if err != nil {
			return nil, err
		}
		l.after, l.peeked = item, true
	}
	return l.after, nil
}

// length returns the number of items; a generator is drained to count them.
func (l *loopContext) length() (int, error) {
	if l.size >= 0 {
		return l.size, nil
	}
	n, err := length(l.src)
	if err == nil {
		l.size = n
		return n, nil
	}
	var rest []Value
	for {
		item, err := l.it.next()
		if err != nil {
			return 0, err
		}
		if item == nil {
			break
		}
		rest = append(rest, item)
	}
	l.size = len(rest) + l.index0 + 1
	if l.peeked && l.after != nil {
		l.size++
	}
	l.it = newGenerator("list_iterator", sliceNext(rest))
	return l.size, nil
}
