package templates

import "slices"

func (p *parser) parseIf() (stmt, error) {
	p.next()
	root := &ifStmt{}
	node := root
	for {
		var err error
		if node.test, err = p.tuple(tupleOpts{}); err != nil {
			return nil, err
		}
		if node.body, err = p.body(false, "elif", "else", "endif"); err != nil {
			return nil, err
		}
		switch p.next().text {
		case "elif":
			node = &ifStmt{}
			root.elifs = append(root.elifs, node)
			continue
		case "else":
			root.other, err = p.body(true, "endif")
		}
		return root, err
	}
}

func (p *parser) parseFor() (stmt, error) {
	f := &forStmt{pos: p.next().pos}
	var err error
	if f.target, err = p.target(tupleOpts{simple: true}); err != nil {
		return nil, err
	}
	if !p.skipName("in") {
		return nil, p.unexpected("in")
	}
	if f.iter, err = p.tuple(tupleOpts{}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if f.test, err = p.expression(); err != nil {
			return nil, err
		}
	}
	f.recursive = p.skipName("recursive")
	if f.body, err = p.body(false, "endfor", "else"); err != nil {
		return nil, err
	}
	if p.next().text == "else" {
		f.other, err = p.body(true, "endfor")
	}
	return f, err
}

func (p *parser) parseSet() (stmt, error) {
	at := p.next().pos
	target, err := p.target(tupleOpts{simple: true, ns: true})
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		val, err := p.tuple(tupleOpts{cond: true})
		return &assignStmt{pos: at, target: target, val: val}, err
	}
	s := &assignBlock{pos: at, target: target}
	f, err := p.filters(nil, false)
	if err != nil {
		return nil, err
	}
	if f != nil {
		s.filter = f.(*filterExpr)
	}
	s.body, err = p.body(true, "endset")
	return s, err
}

// signature parses the parameters of a macro or call block.
func (p *parser) signature(d *macroDef) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	err := p.bracketed(")", false, func() error {
		name, err := p.targetName()
		if err != nil {
			return err
		}
		d.params = append(d.params, name)
		if p.skipOp("=") {
			x, err := p.expression()
			d.defaults = append(d.defaults, x)
			return err
		}
		if len(d.defaults) > 0 {
			return p.fail(p.cur().pos, "non-default argument follows default argument")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, a := range d.params {
		if slices.ContainsFunc(d.params[:i], func(b *nameExpr) bool { return a.name == b.name }) {
			return p.fail(a.pos, "duplicate argument %s in macro definition", quote(a.name))
		}
	}
	return nil
}

func (p *parser) parseMacro() (stmt, error) {
	d := &macroDef{pos: p.next().pos}
	name, err := p.targetName()
	if err != nil {
		return nil, err
	}
	d.name = name.name
	if err := p.signature(d); err != nil {
		return nil, err
	}
	d.body, err = p.body(true, "endmacro")
	return &macroStmt{def: d}, err
}

func (p *parser) parseCallBlock() (stmt, error) {
	at := p.next().pos
	d := &macroDef{pos: at}
	if p.isOp("(") {
		if err := p.signature(d); err != nil {
			return nil, err
		}
	}
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := x.(*callExpr)
	if !ok {
		return nil, p.fail(at, "expected call")
	}
	d.body, err = p.body(true, "endcall")
	return &callBlock{def: d, call: call}, err
}

func (p *parser) parseGeneration() (stmt, error) {
	d := &macroDef{pos: p.next().pos}
	var err error
	d.body, err = p.body(true, "endgeneration")
	return &generationStmt{def: d}, err
}

func (p *parser) parseFilterBlock() (stmt, error) {
	p.next()
	f, err := p.filters(nil, true)
	if err != nil {
		return nil, err
	}
	s := &filterBlock{filter: f.(*filterExpr)}
	s.body, err = p.body(true, "endfilter")
	return s, err
}

func (p *parser) parseWith() (stmt, error) {
	p.next()
	s := &withStmt{}
	err := p.inTag(func() error {
		target, err := p.target(tupleOpts{simple: true})
		if err != nil {
			return err
		}
		if err := p.expectOp("="); err != nil {
			return err
		}
		val, err := p.expression()
		s.targets, s.vals = append(s.targets, target), append(s.vals, val)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.body, err = p.body(true, "endwith")
	return s, err
}

func (p *parser) parsePrint() (stmt, error) {
	p.next()
	s := &outputStmt{}
	return s, p.inTag(func() error {
		x, err := p.expression()
		s.items = append(s.items, x)
		return err
	})
}

func (p *parser) parseBlock() (stmt, error) {
	s := &blockStmt{pos: p.next().pos, def: &blockDef{}}
	name, err := p.expectName()
	if err != nil {
		return nil, err
	}
	s.name, s.def.name = name.text, name.text
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	s.def.body, err = p.body(true, "endblock")
	p.skipName(s.name)
	return s, err
}

func (p *parser) parseAutoescape() (stmt, error) {
	return nil, p.fail(p.cur().pos, "the autoescape tag is not supported: prompts are not HTML")
}
