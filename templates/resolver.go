package templates

import "slices"

const (
	maxExprDepth   = 3000       // operators, subscripts and filters chained in one expression
	maxResolveWork = 20_000_000 // steps of name resolution for one template
)

// resolver binds every name of a parsed template to a slot.
type resolver struct {
	blocks map[string]*blockDef
	work   int
	depth  int
	err    error
}

// scope is the state of the resolver inside one scope.
type scope struct {
	sym      *symbols
	fn       *function
	toplevel bool // of the template, where assignments become visible to blocks
	soft     bool // in an if, where unknown filters fail only when they run
	loops    int  // loops around, for break and continue
	inFor    int  // loops around, macros notwithstanding, where loop is reserved
}

// spend charges work and reports an exhausted budget.
func (c *resolver) spend(n int) error {
	c.work += n + 1
	if c.work > maxResolveWork && c.err == nil {
		c.err = at(limitf("template too complex"), pos{1, 1})
	}
	return c.err
}

func (c *resolver) fail(p pos, format string, args ...any) {
	if c.err == nil {
		c.err = syntaxError(p, format, args...)
	}
}

// walk calls visit for x and everything below it.
func (c *resolver) walk(x expr, visit func(expr)) {
	if c.spend(1) != nil {
		return
	}
	if c.depth++; c.depth > maxExprDepth {
		c.err = at(limitf("expression nested more than %d levels deep", maxExprDepth), x.place())
		return
	}
	visit(x)
	eachChild(x, func(child expr) { c.walk(child, visit) })
	c.depth--
}

// program resolves the template itself.
func (c *resolver) program(body []stmt) (fn *function, info frameInfo, self int) {
	fn = &function{slots: map[slotKey]int{}}
	sym := newSymbols(nil, fn)
	self = -1
	if c.undeclared(body, "self")["self"] {
		sym.param("self")
		self = fn.slot(0, "self")
	}
	(&visitor{sym, c}).stmts(body)
	sc := &scope{sym: sym, fn: fn, toplevel: true}
	c.stmts(body, sc)
	return fn, sym.plan(), self
}

// inner opens a scope in the same function.
func (sc *scope) inner() *scope {
	return &scope{sym: newSymbols(sc.sym, sc.fn), fn: sc.fn, loops: sc.loops, inFor: sc.inFor}
}

// function opens a scope in a function of its own.
func (sc *scope) function() *scope {
	fn := &function{parent: sc.fn, slots: map[slotKey]int{}}
	return &scope{sym: newSymbols(sc.sym, fn), fn: fn, inFor: sc.inFor}
}

func (c *resolver) stmts(body []stmt, sc *scope) {
	for _, s := range body {
		if c.spend(1) != nil {
			return
		}
		c.stmt(s, sc)
	}
}

func (c *resolver) stmt(s stmt, sc *scope) {
	switch n := s.(type) {
	case *outputStmt:
		c.exprs(n.items, sc)
	case *ifStmt:
		c.ifStmt(n, sc)
	case *forStmt:
		c.forStmt(n, sc)
	case *assignStmt:
		c.target(n.target, sc)
		c.expr(n.val, sc)
		n.exports = c.exports(n.target, sc)
	case *assignBlock:
		in := sc.inner()
		(&visitor{in.sym, c}).stmts(n.body)
		if n.filter != nil {
			(&visitor{in.sym, c}).expr(n.filter)
		}
		n.frame = in.sym.plan()
		c.stmts(n.body, in)
		if n.filter != nil {
			c.expr(n.filter, in)
		}
		c.target(n.target, sc)
		n.exports = c.exports(n.target, sc)
	case *macroStmt:
		c.macro(n.def, sc)
		n.ref = sc.sym.refTo(n.def.name, sc.fn)
		if sc.toplevel {
			n.exports = []export{{n.def.name, n.ref}}
		}
	case *callBlock:
		c.macro(n.def, sc)
		c.expr(n.call, sc)
	case *generationStmt:
		c.macro(n.def, sc)
	default:
		c.rareStmt(s, sc)
	}
}

func (c *resolver) rareStmt(s stmt, sc *scope) {
	switch n := s.(type) {
	case *filterBlock:
		in := sc.inner()
		v := visitor{in.sym, c}
		v.stmts(n.body)
		v.expr(n.filter)
		n.frame = in.sym.plan()
		c.stmts(n.body, in)
		c.expr(n.filter, in)
	case *withStmt:
		in := sc.inner()
		v := visitor{in.sym, c}
		for _, t := range n.targets {
			v.target(t, true)
		}
		v.stmts(n.body)
		n.frame = in.sym.plan()
		for i, t := range n.targets {
			c.target(t, in)
			c.expr(n.vals[i], sc)
		}
		c.stmts(n.body, in)
	case *blockStmt:
		c.block(n)
		if n.scoped {
			n.locals = sc.locals()
		}
	case *missingStmt:
		if n.tag == "extends" && !sc.toplevel {
			c.fail(n.pos, "cannot use extend from a non top-level scope")
		}
		c.exprs(n.args, sc)
	case *breakStmt:
		if sc.loops == 0 {
			c.fail(n.pos, "'break' outside loop")
		}
	case *continueStmt:
		if sc.loops == 0 {
			c.fail(n.pos, "'continue' not properly in loop")
		}
	}
}

func (c *resolver) ifStmt(n *ifStmt, sc *scope) {
	soft := *sc
	soft.soft = true
	c.expr(n.test, &soft)
	c.stmts(n.body, &soft)
	for _, e := range n.elifs {
		c.ifStmt(e, &soft)
	}
	c.stmts(n.other, &soft)
}

func (c *resolver) forStmt(n *forStmt, sc *scope) {
	body := sc.inner()
	if n.recursive {
		body = sc.function()
		n.fn = body.fn
	}
	outerLoops := body.loops
	body.loops++
	body.inFor++
	other := *body
	other.loops = outerLoops
	other.sym = newSymbols(sc.sym, body.fn)
	used := c.undeclared(n.body, "loop")
	n.extended = n.recursive || used["loop"] || used[scopedBlock]
	if n.extended {
		body.sym.param("loop")
	}
	v := visitor{body.sym, c}
	v.target(n.target, true)
	v.stmts(n.body)
	(&visitor{other.sym, c}).stmts(n.other)
	if n.test != nil {
		c.loopFilter(n, sc)
	}
	if n.extended {
		n.loop = body.sym.refTo("loop", body.fn)
	}
	c.expr(n.iter, sc)
	c.target(n.target, body)
	n.inner, n.otherFrame = body.sym.plan(), other.sym.plan()
	c.stmts(n.body, body)
	c.stmts(n.other, &other)
}

// loopFilter resolves the condition of a loop, which runs as a generator with
// its own copy of the loop's target.
func (c *resolver) loopFilter(n *forStmt, sc *scope) {
	in := sc.function()
	v := visitor{in.sym, c}
	v.target(n.target, true)
	v.expr(n.test)
	n.filter, n.filterFrame = in.fn, in.sym.plan()
	n.filterTarget = copyTarget(n.target)
	c.target(n.filterTarget, in)
	c.expr(n.test, in)
}

// copyTarget copies an assignment target, since it is bound once per function.
func copyTarget(x expr) expr {
	switch n := x.(type) {
	case *nameExpr:
		t := *n
		return &t
	case *tupleExpr:
		t := &tupleExpr{pos: n.pos}
		for _, item := range n.items {
			t.items = append(t.items, copyTarget(item))
		}
		return t
	}
	return x
}

// exports lists the names that a top-level assignment makes visible to blocks.
func (c *resolver) exports(target expr, sc *scope) []export {
	if !sc.toplevel {
		return nil
	}
	switch n := target.(type) {
	case *nameExpr:
		return []export{{n.name, n.ref}}
	case *tupleExpr:
		var all []export
		for _, item := range n.items {
			all = append(all, c.exports(item, sc)...)
		}
		return all
	}
	return nil
}

// macro resolves the body of a macro, call block or generation tag.
func (c *resolver) macro(d *macroDef, sc *scope) {
	in := sc.function()
	d.fn, d.caller, d.kwargs, d.varargs = in.fn, -1, -1, -1
	v := visitor{in.sym, c}
	for _, p := range d.params {
		v.target(p, true)
	}
	v.exprs(d.defaults)
	v.stmts(d.body)
	used := c.undeclared(d.body, "caller", "kwargs", "varargs")
	isParam := func(name string) bool {
		return slices.ContainsFunc(d.params, func(p *nameExpr) bool { return p.name == name })
	}
	special := func(name string) int {
		if !used[name] || isParam(name) {
			return -1
		}
		in.sym.param(name)
		return in.fn.slot(in.sym.level, name)
	}
	d.caller, d.kwargs, d.varargs = special("caller"), special("kwargs"), special("varargs")
	if d.hasCaller = isParam("caller"); d.hasCaller && used["caller"] {
		i := slices.IndexFunc(d.params, func(p *nameExpr) bool { return p.name == "caller" })
		if len(d.params)-i > len(d.defaults) {
			c.fail(d.pos, "When defining macros or call blocks the special \"caller\" argument "+
				"must be omitted or be given a default.")
		}
	}
	for _, p := range d.params {
		p.ref = in.sym.refTo(p.name, in.fn)
		d.paramSlots = append(d.paramSlots, p.ref.slot)
	}
	c.exprs(d.defaults, in)
	d.frame = in.sym.plan()
	c.stmts(d.body, in)
}

// locals lists what a scoped block sees: everything assigned around it, inner
// scopes last.
func (sc *scope) locals() []export {
	var all []export
	for s := sc.sym; s != nil; s = s.parent {
		for _, name := range s.order {
			if s.stores[name] {
				all = append(all, export{name, s.refTo(name, sc.fn)})
			}
		}
	}
	slices.Reverse(all)
	return all
}

// block resolves a named block, which sees only the template's variables.
func (c *resolver) block(n *blockStmt) {
	if c.blocks[n.name] != nil {
		c.fail(n.pos, "block %s defined twice", quote(n.name))
		return
	}
	c.blocks[n.name] = n.def
	fn := &function{slots: map[slotKey]int{}}
	sym := newSymbols(nil, fn)
	used := c.undeclared(n.def.body, "self", "super")
	n.def.self, n.def.superBlock = -1, -1
	if used["self"] {
		sym.param("self")
		n.def.self = fn.slot(0, "self")
	}
	if used["super"] {
		sym.param("super")
		n.def.superBlock = fn.slot(0, "super")
	}
	(&visitor{sym, c}).stmts(n.def.body)
	n.def.fn = fn
	c.stmts(n.def.body, &scope{sym: sym, fn: fn})
	n.def.frame = sym.plan()
}
