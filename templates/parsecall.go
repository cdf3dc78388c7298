package templates

func (p *parser) call(x expr) (expr, error) {
	c := &callExpr{pos: p.cur().pos, fn: x}
	return c, p.args(&c.callArgs)
}

// args parses the arguments of a call in their parentheses.
func (p *parser) args(a *callArgs) error {
	open := p.next().pos
	return p.bracketed(")", true, func() error { return p.arg(a, open) })
}

// arg parses one argument: *list, **mapping, name=value or a value.
func (p *parser) arg(a *callArgs, open pos) error {
	invalid := func() error { return p.fail(open, "invalid syntax for function call expression") }
	var err error
	switch {
	case p.skipOp("*"):
		if a.dynPos != nil || a.dynMap != nil {
			return invalid()
		}
		a.dynPos, err = p.expression()
	case p.skipOp("**"):
		if a.dynMap != nil {
			return invalid()
		}
		a.dynMap, err = p.expression()
	case p.cur().kind == tokName && p.peek().kind == tokOp && p.peek().text == "=":
		if a.dynMap != nil {
			return invalid()
		}
		name := p.next()
		p.next()
		for _, have := range a.names {
			if have == name.text {
				return p.fail(name.pos, "keyword argument repeated: %s", name.text)
			}
		}
		var x expr
		x, err = p.expression()
		a.names, a.vals = append(a.names, name.text), append(a.vals, x)
	default:
		if a.dynPos != nil || a.dynMap != nil || len(a.names) > 0 {
			return invalid()
		}
		var x expr
		x, err = p.expression()
		a.list = append(a.list, x)
	}
	return err
}

// dotted parses a name that may contain dots, as filters and tests may have.
func (p *parser) dotted() (token, error) {
	t, err := p.expectName()
	for err == nil && p.skipOp(".") {
		var part token
		part, err = p.expectName()
		t.text += "." + part.text
	}
	return t, err
}

// filters parses a chain of filters after x. With inline the first has no bar.
func (p *parser) filters(x expr, inline bool) (expr, error) {
	for inline || p.isOp("|") {
		if !inline {
			p.next()
		}
		inline = false
		t, err := p.dotted()
		if err != nil {
			return nil, err
		}
		f := &filterExpr{pos: t.pos, x: x, name: t.text}
		if p.isOp("(") {
			if err := p.args(&f.callArgs); err != nil {
				return nil, err
			}
		}
		x = f
	}
	return x, nil
}

func (p *parser) test(x expr) (expr, error) {
	p.next()
	negated := p.skipName("not")
	t, err := p.dotted()
	if err != nil {
		return nil, err
	}
	n := &testExpr{pos: t.pos, x: x, name: t.text}
	cur := p.cur()
	switch {
	case p.isOp("("):
		err = p.args(&n.callArgs)
	case p.isName("is"):
		err = p.fail(cur.pos, "You cannot chain multiple tests with is")
	case p.isName("else"), p.isName("or"), p.isName("and"):
	case cur.kind == tokName, cur.kind == tokString, cur.kind == tokInt, cur.kind == tokFloat, p.isOp("["), p.isOp("{"):
		var arg expr
		if arg, err = p.primary(false); err == nil {
			arg, err = p.postfix(arg)
		}
		n.list = []expr{arg}
	}
	if err != nil {
		return nil, err
	}
	if negated {
		return &notExpr{t.pos, n}, nil
	}
	return n, nil
}
