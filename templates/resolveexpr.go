package templates

func (c *resolver) exprs(list []expr, sc *scope) {
	for _, x := range list {
		c.expr(x, sc)
	}
}

// expr binds the names, filters and tests in x.
func (c *resolver) expr(x expr, sc *scope) {
	if x == nil || c.spend(1) != nil {
		return
	}
	if c.depth++; c.depth > maxExprDepth {
		c.err = at(limitf("expression nested more than %d levels deep", maxExprDepth), x.place())
		return
	}
	in := sc
	switch n := x.(type) {
	case *nameExpr:
		n.ref = sc.sym.refTo(n.name, sc.fn)
	case *condExpr:
		soft := *sc
		soft.soft = true
		in = &soft
	case *filterExpr:
		n.fn = filters[n.name]
		if n.fn == nil && !sc.soft {
			c.fail(n.pos, "No filter named %s.", quote(n.name))
		}
	case *testExpr:
		n.fn = tests[n.name]
		if n.fn == nil && !sc.soft {
			c.fail(n.pos, "No test named %s.", quote(n.name))
		}
	}
	eachChild(x, func(child expr) { c.expr(child, in) })
	c.depth--
}

// target binds the names of an assignment target.
func (c *resolver) target(x expr, sc *scope) {
	switch n := x.(type) {
	case *nameExpr:
		if n.name == "loop" && sc.inFor > 0 {
			c.fail(n.pos, "Can't assign to special loop variable in for-loop target")
		}
		n.ref = sc.sym.refTo(n.name, sc.fn)
	case *nsExpr:
		n.ref = sc.sym.refTo(n.name, sc.fn)
	case *tupleExpr:
		for _, item := range n.items {
			c.target(item, sc)
		}
	}
}
