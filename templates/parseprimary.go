package templates

import "strings"

// primary parses a name, a literal or something in brackets.
func (p *parser) primary(ns bool) (expr, error) {
	t := p.cur()
	switch t.kind {
	case tokName:
		p.next()
		if v := reserved[t.text]; v != nil {
			return &constExpr{t.pos, v}, nil
		}
		if ns && p.skipOp(".") {
			attr, err := p.expectName()
			return &nsExpr{pos: t.pos, name: t.text, attr: attr.text}, err
		}
		return &nameExpr{pos: t.pos, name: t.text}, nil
	case tokString:
		text := p.next().text
		if p.cur().kind == tokString {
			parts := []string{text}
			for p.cur().kind == tokString {
				parts = append(parts, p.next().text)
			}
			text = strings.Join(parts, "")
		}
		return &constExpr{t.pos, str(text)}, nil
	case tokInt, tokFloat:
		p.next()
		return &constExpr{t.pos, t.num}, nil
	case tokOp:
		switch t.text {
		case "(":
			p.next()
			x, err := p.tuple(tupleOpts{parens: true})
			if err != nil {
				return nil, err
			}
			return x, p.expectOp(")")
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	return nil, p.fail(t.pos, "unexpected %s", quote(t.describe()))
}

func (p *parser) list() (expr, error) {
	n := &listExpr{pos: p.next().pos}
	return n, p.bracketed("]", true, func() error {
		x, err := p.expression()
		n.items = append(n.items, x)
		return err
	})
}

func (p *parser) dict() (expr, error) {
	n := &dictExpr{pos: p.next().pos}
	return n, p.bracketed("}", true, func() error {
		k, err := p.expression()
		if err != nil {
			return err
		}
		if err := p.expectOp(":"); err != nil {
			return err
		}
		v, err := p.expression()
		n.keys, n.vals = append(n.keys, k), append(n.vals, v)
		return err
	})
}

// postfix parses subscripts, attributes and calls after x.
func (p *parser) postfix(x expr) (expr, error) {
	return suffixes(x, func(x expr) (expr, error) {
		switch {
		case p.isOp("."):
			return p.attribute(x)
		case p.isOp("["):
			return p.subscript(x)
		case p.isOp("("):
			return p.call(x)
		}
		return nil, nil
	})
}

// filterExprs parses filters, tests and calls after x.
func (p *parser) filterExprs(x expr) (expr, error) {
	return suffixes(x, func(x expr) (expr, error) {
		switch {
		case p.isOp("|"):
			return p.filters(x, false)
		case p.isName("is"):
			return p.test(x)
		case p.isOp("("):
			return p.call(x)
		}
		return nil, nil
	})
}

// suffixes extends x by what parse makes of it, until that is nothing.
func suffixes(x expr, parse func(expr) (expr, error)) (expr, error) {
	for {
		y, err := parse(x)
		if y == nil || err != nil {
			return x, err
		}
		x = y
	}
}

func (p *parser) attribute(x expr) (expr, error) {
	dot := p.next().pos
	switch t := p.cur(); t.kind {
	case tokName:
		p.next()
		return &attrExpr{pos: dot, obj: x, name: t.text, key: str(t.text)}, nil
	case tokInt:
		p.next()
		return &itemExpr{pos: dot, obj: x, arg: &constExpr{t.pos, t.num}}, nil
	default:
		return nil, p.fail(t.pos, "expected name or number")
	}
}

func (p *parser) subscript(x expr) (expr, error) {
	open := p.next().pos
	var args []expr
	err := p.bracketed("]", false, func() error {
		arg, err := p.subscribed()
		args = append(args, arg)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return &itemExpr{pos: open, obj: x, arg: &tupleExpr{open, args}}, nil
	}
	if s, ok := args[0].(*sliceExpr); ok && s.obj == nil {
		s.obj, s.pos = x, open
		return s, nil
	}
	return &itemExpr{pos: open, obj: x, arg: args[0]}, nil
}

// subscribed parses an index or a slice.
func (p *parser) subscribed() (expr, error) {
	s := &sliceExpr{pos: p.cur().pos}
	var err error
	if !p.isOp(":") {
		x, err := p.expression()
		if err != nil || !p.isOp(":") {
			return x, err
		}
		s.start = x
	}
	p.next()
	ends := func() bool { return p.isOp("]") || p.isOp(",") }
	if !p.isOp(":") && !ends() {
		if s.stop, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.skipOp(":") && !ends() {
		s.step, err = p.expression()
	}
	return s, err
}
