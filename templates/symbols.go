package templates

// visitor fills the symbols of one scope from the statements in it. It stops
// at statements that open a scope of their own, which are visited when the
// resolver reaches them.
type visitor struct {
	sym *symbols
	c   *resolver
}

func (v *visitor) stmts(body []stmt) {
	for _, s := range body {
		v.stmt(s)
	}
}

func (v *visitor) stmt(s stmt) {
	switch n := s.(type) {
	case *outputStmt:
		v.exprs(n.items)
	case *ifStmt:
		v.ifStmt(n)
	case *forStmt:
		v.expr(n.iter)
	case *assignStmt:
		v.expr(n.val)
		v.target(n.target, false)
	case *assignBlock:
		v.target(n.target, false)
	case *macroStmt:
		v.sym.store(n.def.name)
	case *callBlock:
		v.expr(n.call)
	case *filterBlock:
		v.expr(n.filter)
	case *withStmt:
		v.exprs(n.vals)
	case *missingStmt:
		v.exprs(n.args)
		for _, name := range n.sets {
			v.sym.store(name.name)
		}
	}
}

func (v *visitor) ifStmt(n *ifStmt) {
	v.expr(n.test)
	sym := v.sym
	inner := func(visit func()) *symbols {
		if v.c.spend(len(sym.loads)) != nil {
			return sym
		}
		v.sym = sym.branch()
		visit()
		b := v.sym
		v.sym = sym
		return b
	}
	branches := []*symbols{
		inner(func() { v.stmts(n.body) }),
		inner(func() {
			for _, e := range n.elifs {
				v.ifStmt(e)
			}
		}),
		inner(func() { v.stmts(n.other) }),
	}
	sym.merge(branches)
}

// target notes the names that an assignment target sets.
func (v *visitor) target(x expr, param bool) {
	switch n := x.(type) {
	case *nameExpr:
		if param {
			v.sym.param(n.name)
		} else {
			v.sym.store(n.name)
		}
	case *nsExpr:
		v.sym.read(n.name)
	case *tupleExpr:
		for _, item := range n.items {
			v.target(item, param)
		}
	}
}

func (v *visitor) exprs(list []expr) {
	for _, x := range list {
		v.expr(x)
	}
}

// expr notes the names that x uses.
func (v *visitor) expr(x expr) {
	v.c.walk(x, func(n expr) {
		if name, ok := n.(*nameExpr); ok {
			v.sym.read(name.name)
		}
	})
}

// eachChild calls visit for the direct children of x.
func eachChild(x expr, visit func(expr)) {
	list := func(xs ...expr) {
		for _, x := range xs {
			if x != nil {
				visit(x)
			}
		}
	}
	args := func(a *callArgs) {
		list(a.list...)
		list(a.vals...)
		list(a.dynPos, a.dynMap)
	}
	switch n := x.(type) {
	case *tupleExpr:
		list(n.items...)
	case *listExpr:
		list(n.items...)
	case *dictExpr:
		for i := range n.keys {
			list(n.keys[i], n.vals[i])
		}
	case *condExpr:
		list(n.test, n.then, n.other)
	case *logicExpr:
		list(n.l, n.r)
	case *notExpr:
		list(n.x)
	case *binExpr:
		list(n.l, n.r)
	case *unaryExpr:
		list(n.x)
	case *compareExpr:
		list(n.first)
		list(n.rest...)
	case *concatExpr:
		list(n.items...)
	case *attrExpr:
		list(n.obj)
	case *itemExpr:
		list(n.obj, n.arg)
	case *sliceExpr:
		list(n.obj, n.start, n.stop, n.step)
	case *callExpr:
		list(n.fn)
		args(&n.callArgs)
	case *filterExpr:
		list(n.x)
		args(&n.callArgs)
	case *testExpr:
		list(n.x)
		args(&n.callArgs)
	}
}

// useFinder finds which special names statements read, nested scopes included
// but named blocks not, until they set them themselves.
type useFinder struct {
	c     *resolver
	want  map[string]bool
	found map[string]bool
}

func (c *resolver) undeclared(body []stmt, names ...string) map[string]bool {
	u := &useFinder{c: c, want: map[string]bool{}, found: map[string]bool{}}
	for _, n := range names {
		u.want[n] = true
	}
	u.stmts(body)
	return u.found
}

func (u *useFinder) stmts(body []stmt) {
	for _, s := range body {
		u.stmt(s)
	}
}

func (u *useFinder) expr(xs ...expr) {
	for _, x := range xs {
		if x == nil {
			continue
		}
		u.c.walk(x, func(n expr) {
			if name, ok := n.(*nameExpr); ok && u.want[name.name] {
				u.found[name.name] = true
			}
		})
	}
}

// target notes that names are assigned, after which they are no special ones.
func (u *useFinder) target(x expr) {
	switch n := x.(type) {
	case *nameExpr:
		delete(u.want, n.name)
	case *tupleExpr:
		for _, item := range n.items {
			u.target(item)
		}
	}
}

func (u *useFinder) stmt(s stmt) {
	if u.c.spend(1) != nil {
		return
	}
	switch n := s.(type) {
	case *outputStmt:
		u.expr(n.items...)
	case *ifStmt:
		u.expr(n.test)
		u.stmts(n.body)
		for _, e := range n.elifs {
			u.stmt(e)
		}
		u.stmts(n.other)
	case *forStmt:
		u.target(n.target)
		u.expr(n.iter)
		u.stmts(n.body)
		u.stmts(n.other)
		u.expr(n.test)
	case *assignStmt:
		u.target(n.target)
		u.expr(n.val)
	case *assignBlock:
		u.target(n.target)
		if n.filter != nil {
			u.expr(n.filter)
		}
		u.stmts(n.body)
	case *macroStmt:
		u.macro(n.def)
	case *callBlock:
		u.expr(n.call)
		u.macro(n.def)
	case *generationStmt:
		u.macro(n.def)
	case *filterBlock:
		u.stmts(n.body)
		u.expr(n.filter)
	case *withStmt:
		for _, t := range n.targets {
			u.target(t)
		}
		u.expr(n.vals...)
		u.stmts(n.body)
	case *missingStmt:
		u.expr(n.args...)
	case *blockStmt:
		if n.scoped {
			u.found[scopedBlock] = true
		}
	}
}

// scopedBlock stands for a block that sees the variables around it, loop among
// them.
const scopedBlock = "block scoped"

func (u *useFinder) macro(d *macroDef) {
	for _, p := range d.params {
		u.target(p)
	}
	u.expr(d.defaults...)
	u.stmts(d.body)
}
