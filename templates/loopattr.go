package templates

// attr returns an attribute of loop, or nil.
func (l *loopContext) attr(m *machine, name string) (Value, error) {
	switch name {
	case "index":
		return integer(l.index0 + 1), nil
	case "index0":
		return integer(l.index0), nil
	case "first":
		return boolVal(l.index0 == 0), nil
	case "last":
		item, err := l.peek()
		return boolVal(item == nil), err
	case "length":
		n, err := l.length()
		return integer(n), err
	case "revindex", "revindex0":
		n, err := l.length()
		n -= l.index0
		if name == "revindex0" {
			n--
		}
		return integer(n), err
	case "depth":
		return integer(l.depth + 1), nil
	case "depth0":
		return integer(l.depth), nil
	case "previtem":
		if l.index0 == 0 {
			return undefinedHint("there is no previous item"), nil
		}
		return l.prev, nil
	case "nextitem":
		item, err := l.peek()
		if item == nil && err == nil {
			return undefinedHint("there is no next item"), nil
		}
		return item, err
	case "cycle":
		return variadic(l.cycle), nil
	case "changed":
		return variadic(l.changed), nil
	}
	return nil, nil
}

func (l *loopContext) cycle(_ *machine, a args) (Value, error) {
	if len(a.pos) == 0 {
		return nil, errf("no items for cycling given")
	}
	if len(a.names) > 0 {
		return nil, errf("cycle() got an unexpected keyword argument %s", quote(a.names[0]))
	}
	return a.pos[l.index0%len(a.pos)], nil
}

func (l *loopContext) changed(m *machine, a args) (Value, error) {
	if len(a.names) > 0 {
		return nil, errf("changed() got an unexpected keyword argument %s", quote(a.names[0]))
	}
	if l.called {
		same, err := m.equal(&tuple{items: l.last}, &tuple{items: a.pos}, 0)
		if same || err != nil {
			return falseVal, err
		}
	}
	l.last, l.called = a.pos, true
	return trueVal, nil
}

// recurse renders the loop for nested items.
func (l *loopContext) recurse(m *machine, a args) (Value, error) {
	if l.again == nil {
		return nil, errf("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(a.pos) != 1 || len(a.names) > 0 {
		return nil, errf("loop() takes exactly one argument (%d given)", len(a.pos)+len(a.names))
	}
	return l.again(m, a.pos[0], l.depth+1)
}
