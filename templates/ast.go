package templates

// expr is a node that evaluates to a value.
type expr interface {
	eval(m *machine) (Value, error)
	place() pos
}

// stmt is a node that runs for its output and its assignments.
type stmt interface {
	exec(m *machine) (control, error)
}

// control tells how a statement ended.
type control uint8

const (
	flowNext control = iota
	flowBreak
	flowContinue
)

func (p pos) place() pos { return p }

// varRef is where a variable lives: a slot of the function frame that is hops
// frames out. The resolver fills it in.
type varRef struct{ hops, slot int }

type (
	dataExpr struct { // template text
		pos
		text string
	}
	constExpr struct {
		pos
		val Value
	}
	nameExpr struct {
		pos
		name string
		ref  varRef
	}
	nsExpr struct { // ns.attr as a target of set
		pos
		name, attr string
		ref        varRef
	}
	tupleExpr struct {
		pos
		items []expr
	}
	listExpr struct {
		pos
		items []expr
	}
	dictExpr struct {
		pos
		keys, vals []expr
	}
	condExpr struct { // then if test else other; other may be nil
		pos
		test, then, other expr
	}
	logicExpr struct { // and, or
		pos
		or   bool
		l, r expr
	}
	notExpr struct {
		pos
		x expr
	}
	binExpr struct {
		pos
		op   string
		l, r expr
	}
	unaryExpr struct {
		pos
		op string
		x  expr
	}
	compareExpr struct {
		pos
		first expr
		ops   []string
		rest  []expr
	}
	concatExpr struct { // a ~ b ~ c
		pos
		items []expr
	}
	attrExpr struct {
		pos
		obj  expr
		name string
		key  Value // name as a value
	}
	itemExpr struct {
		pos
		obj, arg expr
	}
	sliceExpr struct { // only as the argument of itemExpr; parts may be nil
		pos
		obj, start, stop, step expr
	}
	callExpr struct {
		pos
		fn expr
		callArgs
	}
	filterExpr struct { // x is nil in a filter block, which applies it to its text
		pos
		x    expr
		name string
		fn   *builtin
		callArgs
	}
	testExpr struct {
		pos
		x    expr
		name string
		fn   *builtin
		callArgs
	}
)

// callArgs are the arguments of a call, a filter or a test.
type callArgs struct {
	list           []expr
	names          []string // keywords, parallel to vals
	vals           []expr
	dynPos, dynMap expr // *args and **kwargs, or nil
}

type (
	outputStmt struct{ items []expr }

	ifStmt struct {
		test  expr
		body  []stmt
		elifs []*ifStmt
		other []stmt
	}
	forStmt struct {
		pos
		target, iter, test expr // test may be nil
		body, other        []stmt
		recursive          bool
		extended           bool // the body uses loop
		loop               varRef
		inner, otherFrame  frameInfo
		filter             *function // holds test, which runs in a frame of its own
		filterTarget       expr      // target as the filter function sees it
		filterFrame        frameInfo
		fn                 *function // of a recursive loop's body
	}
	assignStmt struct {
		pos
		target, val expr
		exports     []export
	}
	assignBlock struct {
		pos
		target  expr
		filter  *filterExpr
		body    []stmt
		frame   frameInfo
		exports []export
	}
	macroStmt struct {
		def     *macroDef
		ref     varRef
		exports []export
	}
	callBlock struct {
		def  *macroDef
		call *callExpr
	}
	generationStmt struct{ def *macroDef }

	filterBlock struct {
		filter *filterExpr
		body   []stmt
		frame  frameInfo
	}
	withStmt struct {
		targets, vals []expr
		body          []stmt
		frame         frameInfo
	}
	blockStmt struct {
		pos
		name     string
		required bool
		scoped   bool     // sees the variables around it
		locals   []export // those variables
		def      *blockDef
	}
	missingStmt struct { // include, import and extends: there is nothing to load
		pos
		tag  string
		args []expr
		sets []*nameExpr
	}
	breakStmt    struct{ pos }
	continueStmt struct{ pos }
)

// macroDef is the body of a macro, a call block or a generation tag.
type macroDef struct {
	pos
	name       string
	params     []*nameExpr
	defaults   []expr // of the last parameters
	body       []stmt
	fn         *function
	frame      frameInfo
	caller     int // slot of the implicit caller, or -1
	kwargs     int // slot of kwargs where the body uses it, or -1
	varargs    int
	hasCaller  bool // a parameter is itself named caller
	paramSlots []int
}

// blockDef is a named block.
type blockDef struct {
	name             string
	body             []stmt
	fn               *function
	frame            frameInfo
	self, superBlock int // slots, or -1
}

// export records a top-level assignment under its name, for blocks to see.
type export struct {
	name string
	ref  varRef
}
