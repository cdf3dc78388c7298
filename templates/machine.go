package templates

import (
	"strings"
	"time"
)

// machine runs one rendering of a template.
type machine struct {
	t       *Template
	globals map[string]Value // the caller's variables
	vars    map[string]Value // top-level assignments, kept where blocks read them
	frame   *frame
	buf     []byte    // output; captured parts grow at its end and are cut off again
	capture int       // captures in progress
	rootLen int       // length of the real output while a capture is in progress
	steps   int       // left
	until   time.Time // when the rendering must end
	ticks   uint      // evaluations, to look at the clock now and then
	depth   int
	spans   []Span           // of generation tags
	joined  *strings.Builder // the text that join made last
}

// frame holds the variables of a running function. A nil slot is a variable
// without a value.
type frame struct {
	slots  []Value
	parent *frame
}

func (t *Template) start(vars map[string]Value) *machine {
	m := t.pool.Get().(*machine)
	*m = machine{t: t, globals: vars, buf: m.buf[:0], steps: t.cfg.limits.Steps,
		until: time.Now().Add(t.cfg.limits.Time)}
	return m
}

// finish hands m back for reuse.
func (t *Template) finish(m *machine) {
	if cap(m.buf) > 1<<20 {
		m.buf = nil
	}
	*m = machine{buf: m.buf}
	t.pool.Put(m)
}

// run executes the template and returns its output.
func (m *machine) run() (string, error) {
	t := m.t
	m.frame = &frame{slots: make([]Value, len(t.fn.slots))}
	m.enter(&t.frame)
	if t.self >= 0 {
		m.frame.slots[t.self] = blockRefs{}
	}
	if _, err := m.exec(t.body); err != nil {
		return "", at(err, pos{1, 1})
	}
	return string(m.buf), nil
}

// charge pays for n steps.
func (m *machine) charge(n int) error {
	m.steps -= n
	if m.steps < 0 {
		return limitf("more than %d evaluation steps", m.t.cfg.limits.Steps)
	}
	return m.tick(n)
}

// The clock is looked at after an operation of slowSteps steps and every
// clockEvery evaluations or payments.
const (
	slowSteps  = 1 << 10
	clockEvery = 1 << 10
)

// tick looks at the clock where it is time to.
func (m *machine) tick(n int) error {
	if m.ticks++; m.ticks%clockEvery != 0 && n < slowSteps {
		return nil
	}
	if time.Now().After(m.until) {
		return limitf("more than %v of rendering", m.t.cfg.limits.Time)
	}
	return nil
}

// room checks the size of a string or list before it is built.
func (m *machine) room(n int) error {
	if err := m.fits(n); err != nil {
		return err
	}
	return m.charge(n >> 4)
}

// fits checks a size that has been paid for, or will be.
func (m *machine) fits(n int) error {
	if n > m.t.cfg.limits.Output || n < 0 {
		return limitf("a value larger than %d bytes", m.t.cfg.limits.Output)
	}
	return nil
}

// chargeText pays for looking at all of v, if it is text.
func (m *machine) chargeText(v Value) error {
	s, _ := asText(v)
	return m.charge(len(s) >> 6)
}

// write appends to the output.
func (m *machine) write(s string) error {
	if len(m.buf)+len(s) > m.t.cfg.limits.Output {
		return limitf("output larger than %d bytes", m.t.cfg.limits.Output)
	}
	m.buf = append(m.buf, s...)
	return m.charge(len(s) >> 4)
}

// captured runs f and returns what it wrote instead of writing it.
func (m *machine) captured(f func() (control, error)) (string, control, error) {
	from := len(m.buf)
	if m.capture == 0 {
		m.rootLen = from
	}
	m.capture++
	flow, err := f()
	m.capture--
	s := string(m.buf[from:])
	m.buf = m.buf[:from]
	return s, flow, err
}

// deeper counts a level of nesting; every call needs one m.depth--.
func (m *machine) deeper() error {
	m.depth++
	if m.depth > m.t.cfg.limits.Depth {
		return limitf("nested more than %d levels deep", m.t.cfg.limits.Depth)
	}
	return nil
}

// enter fills the slots of a scope.
func (m *machine) enter(fi *frameInfo) {
	m.steps -= len(fi.steps) >> 3 // noticed by the next evaluation
	for i := range fi.steps {
		s := &fi.steps[i]
		switch s.kind {
		case loadResolve:
			m.frame.slots[s.slot] = m.resolve(s.name)
		case loadAlias:
			m.frame.slots[s.slot] = *m.slot(s.from)
		case loadMissing:
			m.frame.slots[s.slot] = nil
		}
	}
}

// leave clears the slots of a scope.
func (m *machine) leave(fi *frameInfo) {
	for i := range fi.steps {
		m.frame.slots[fi.steps[i].slot] = nil
	}
}

// resolve finds a template variable: assigned at the top level, given by the
// caller, or built in.
func (m *machine) resolve(name string) Value {
	if v := m.vars[name]; v != nil {
		return v
	}
	if v := m.globals[name]; v != nil {
		return v
	}
	if b := builtins[name]; b != nil {
		return b
	}
	return nil
}

// slot returns the place of a variable.
func (m *machine) slot(r varRef) *Value {
	f := m.frame
	for range r.hops {
		f = f.parent
	}
	return &f.slots[r.slot]
}

// eval evaluates x; errors get its place.
func (m *machine) eval(x expr) (Value, error) {
	switch n := x.(type) { // the cheap ones, which cannot nest or fail
	case *constExpr:
		return n.val, nil
	case *nameExpr:
		if v := *m.slot(n.ref); v != nil {
			return v, nil
		}
		return undefinedName(n.name), nil
	}
	if m.steps--; m.steps < 0 {
		return nil, at(m.charge(0), x.place())
	}
	if err := m.tick(1); err != nil {
		return nil, at(err, x.place())
	}
	if err := m.deeper(); err != nil {
		return nil, at(err, x.place())
	}
	v, err := x.eval(m)
	m.depth--
	if err != nil {
		return nil, at(err, x.place())
	}
	return v, nil
}

// evalAll evaluates a list of expressions.
func (m *machine) evalAll(list []expr) ([]Value, error) {
	vals := make([]Value, len(list))
	for i, x := range list {
		v, err := m.eval(x)
		if err != nil {
			return nil, err
		}
		vals[i] = v
	}
	return vals, nil
}
