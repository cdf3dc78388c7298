package templates

import "slices"

// tupleOpts are the ways a comma-separated list may be read.
type tupleOpts struct {
	simple bool // names and literals only, as in assignment targets
	ns     bool // with ns.attr
	cond   bool // inline if allowed
	parens bool // inside parentheses, where it may be empty
}

// tuple parses one expression, or several separated by commas into a tuple.
func (p *parser) tuple(o tupleOpts) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	start := p.cur().pos
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		t := p.cur()
		if t.kind == tokVarEnd || t.kind == tokBlockEnd || p.isOp(")") {
			break
		}
		x, err := p.tupleItem(o)
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0], nil
		}
		if !o.parens {
			return nil, p.fail(p.cur().pos, "Expected an expression, got %s", quote(p.cur().describe()))
		}
	}
	return &tupleExpr{start, items}, nil
}

func (p *parser) tupleItem(o tupleOpts) (expr, error) {
	switch {
	case o.simple:
		return p.primary(o.ns)
	case o.cond || o.parens:
		return p.expression()
	}
	return p.or()
}

// target parses what may stand on the left of an assignment.
func (p *parser) target(o tupleOpts) (expr, error) {
	start := p.cur().pos
	x, err := p.tuple(o)
	if err != nil {
		return nil, err
	}
	if !assignable(x) {
		return nil, p.fail(start, "can't assign to this expression")
	}
	return x, nil
}

func assignable(x expr) bool {
	switch t := x.(type) {
	case *nameExpr, *nsExpr:
		return true
	case *tupleExpr:
		for _, item := range t.items {
			if !assignable(item) {
				return false
			}
		}
		return true
	}
	return false
}

var reserved = map[string]Value{"true": trueVal, "True": trueVal, "false": falseVal, "False": falseVal,
	"none": none, "None": none}

// targetName parses a single name to assign to.
func (p *parser) targetName() (*nameExpr, error) {
	t, err := p.expectName()
	if err != nil {
		return nil, err
	}
	if reserved[t.text] != nil {
		return nil, p.fail(t.pos, "can't assign to 'name'")
	}
	return &nameExpr{pos: t.pos, name: t.text}, nil
}

// expression parses an expression with inline if.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	start := p.cur().pos
	x, err := p.or()
	for err == nil && p.skipName("if") {
		c := &condExpr{pos: start, then: x}
		if c.test, err = p.or(); err != nil {
			break
		}
		if p.skipName("else") {
			c.other, err = p.expression()
		}
		x = c
	}
	return x, err
}

func (p *parser) or() (expr, error) { return p.logic("or", p.and) }

func (p *parser) and() (expr, error) { return p.logic("and", p.not) }

// logic parses operands joined by a logical operator, left to right.
func (p *parser) logic(op string, operand func() (expr, error)) (expr, error) {
	x, err := operand()
	for err == nil && p.isName(op) {
		n := &logicExpr{pos: p.next().pos, or: op == "or", l: x}
		n.r, err = operand()
		x = n
	}
	return x, err
}

func (p *parser) not() (expr, error) {
	if !p.isName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	n := &notExpr{pos: p.next().pos}
	var err error
	n.x, err = p.not()
	return n, err
}

func (p *parser) compare() (expr, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	at := p.cur().pos
	op := p.comparison()
	if op == "" {
		return x, nil
	}
	c := &compareExpr{pos: at, first: x}
	for ; op != ""; op = p.comparison() {
		y, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, y)
	}
	return c, nil
}

// comparison takes a comparison operator and returns it, or nothing.
func (p *parser) comparison() string {
	t := p.cur()
	switch {
	case t.kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
		return p.next().text
	case p.skipName("in"):
		return "in"
	case p.isName("not") && p.peek().kind == tokName && p.peek().text == "in":
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

// binary parses operands joined by the given operators, left to right.
func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	x, err := operand()
	for err == nil {
		op := ""
		for _, o := range ops {
			if p.isOp(o) {
				op = o
			}
		}
		if op == "" {
			break
		}
		n := &binExpr{pos: p.next().pos, op: op, l: x}
		n.r, err = operand()
		x = n
	}
	return x, err
}

func (p *parser) sum() (expr, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (expr, error) {
	x, err := p.product()
	if err != nil || !p.isOp("~") {
		return x, err
	}
	c := &concatExpr{pos: p.cur().pos, items: []expr{x}}
	for p.skipOp("~") {
		y, err := p.product()
		if err != nil {
			return nil, err
		}
		c.items = append(c.items, y)
	}
	return c, nil
}

func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) (expr, error) {
	var x expr
	var err error
	if p.isOp("-") || p.isOp("+") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer p.leave()
		t := p.next()
		n := &unaryExpr{pos: t.pos, op: t.text}
		n.x, err = p.unary(false)
		x = n
	} else {
		x, err = p.primary(false)
	}
	if err != nil {
		return nil, err
	}
	if x, err = p.postfix(x); err != nil || !filters {
		return x, err
	}
	return p.filterExprs(x)
}
