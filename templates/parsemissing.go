package templates

// parseMissing parses include, import, from and extends. Chat templates have
// nothing to load from, so running one is an error; parsing is not, since a
// template may hold one on a path that is never taken.
func (p *parser) parseMissing() (stmt, error) {
	t := p.next()
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	s := &missingStmt{pos: t.pos, tag: t.text, args: []expr{x}}
	switch t.text {
	case "include":
		if p.isName("ignore") && p.peek().text == "missing" {
			p.next()
			p.next()
		}
		p.importContext()
	case "import":
		if !p.skipName("as") {
			return nil, p.unexpected("as")
		}
		name, err := p.targetName()
		if err != nil {
			return nil, err
		}
		s.sets = append(s.sets, name)
		p.importContext()
	case "from":
		return s, p.importNames(s)
	}
	return s, nil
}

func (p *parser) importContext() bool {
	if (p.isName("with") || p.isName("without")) && p.peek().text == "context" {
		p.next()
		p.next()
		return true
	}
	return false
}

func (p *parser) importNames(s *missingStmt) error {
	if !p.skipName("import") {
		return p.unexpected("import")
	}
	for {
		if len(s.sets) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		if p.importContext() {
			return nil
		}
		name, err := p.targetName()
		if err != nil {
			return err
		}
		if name.name[0] == '_' {
			return p.fail(name.pos, "names starting with an underline can not be imported")
		}
		if p.skipName("as") {
			if name, err = p.targetName(); err != nil {
				return err
			}
		}
		s.sets = append(s.sets, name)
		if p.importContext() || !p.isOp(",") {
			return nil
		}
	}
}
