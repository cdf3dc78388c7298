package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Compiled is a function that MLX runs once for each new combination of shapes
// and dtypes of its arguments, to simplify, fuse and keep the graph that comes
// out. Calls after that do not run the Go function. It belongs to the Worker of
// the Thread that compiled it.
type Compiled struct {
	e         *engine
	closure   bindings.Closure
	f         Func
	reads     []*Array
	state     []*Array
	slots     []*Array // both, which go in behind the arguments
	shapeless bool
	running   bool // MLX is inside of a call
	closed    atomic.Bool
	traces    atomic.Int64
}

// CompileOption changes how Compile compiles.
type CompileOption func(*Compiled)

// Shapeless makes one graph serve all shapes with the same numbers of dimensions.
// A size that the function asked for, as by Scope.Dim, stays what it was at
// first. Operations whose results MLX cannot size, such as Split, are an error.
func Shapeless() CompileOption { return func(c *Compiled) { c.shapeless = true } }

// WithState names arrays that the function reads through their slots and changes
// by Scope.Assign, such as weights and the optimizer's moments. They go in and
// out of the compiled graph with each call; what the function captures otherwise
// is a constant of the graph. A change of their shape or dtype is traced again.
func WithState(slots ...*Array) CompileOption {
	return func(c *Compiled) { c.state = append(c.state, slots...) }
}

// WithReads names arrays that the function reads through their slots, such as frozen
// weights, and does not change: they go in with each call and are no constants of the
// graph. MLX 0.32.2 never frees the graph of some gradients, among them those of language
// models on a GPU; it would keep such weights for good. A change of their shape or dtype is traced again.
func WithReads(slots ...*Array) CompileOption {
	return func(c *Compiled) { c.reads = append(c.reads, slots...) }
}

// Compile compiles f for this thread's Worker. Close frees what was compiled. See
// mlx.core.compile.
func (t *Thread) Compile(f Func, opts ...CompileOption) (*Compiled, error) {
	e, err := t.live()
	if err != nil {
		return nil, err
	}
	c := &Compiled{e: e, f: f}
	for _, o := range opts {
		o(c)
	}
	if err := c.open(); err != nil {
		return nil, newError("compile", err)
	}
	return c, nil
}

func (c *Compiled) open() error {
	c.slots = slices.Concat(c.reads, c.state)
	seen := map[*Array]bool{}
	for i, slot := range c.slots {
		if slot == nil {
			return fmt.Errorf("%s is nil", c.slotName(i))
		}
		if seen[slot] {
			return fmt.Errorf("%s was named before", c.slotName(i))
		}
		seen[slot] = true
	}
	plain, err := bindings.NewClosure(c.trace)
	if err != nil {
		return err
	}
	c.closure, err = bindings.Compile(plain, c.shapeless)
	if closing := plain.Close(); err == nil {
		err = closing
	}
	return err
}

// slotName is what errors call one of the slots.
func (c *Compiled) slotName(i int) string {
	if i < len(c.reads) {
		return fmt.Sprintf("read array %d", i)
	}
	return fmt.Sprintf("state %d", i-len(c.reads))
}

// trace runs the function on stand-ins for arguments and slots, which the slots
// hold meanwhile, and returns its results and the new state.
func (c *Compiled) trace(in []Array) ([]Array, error) {
	c.traces.Add(1)
	n := len(in) - len(c.slots)
	old := make([]Array, len(c.slots))
	for i, slot := range c.slots {
		old[i], *slot = *slot, in[n+i]
	}
	defer func() {
		for i, slot := range c.slots {
			*slot = old[i]
		}
	}()
	return c.e.inside(c.e.stream, c.state, func(s *Scope) []Array {
		out := slices.Clone(c.f(s, in[:n:n]))
		for _, slot := range c.state {
			out = append(out, s.current(slot))
		}
		return s.copied(out)
	})
}

// copied puts a copy around each constant: MLX makes one of the scalars that are
// equal, and does not find a result that it dropped (0.32.2, compile_simplify). The
// copy itself goes away.
func (s *Scope) copied(out []Array) []Array {
	for i, a := range out {
		if s.err != nil {
			return nil
		}
		if a.IsNull() {
			continue // finish says so
		}
		ready, err := a.IsAvailable()
		if err != nil {
			s.failOp("compile", err)
			return nil
		}
		if ready {
			out[i] = s.Copy(a)
		}
	}
	return out
}

// Call runs the compiled function in a Build of its Worker, assigns the new state
// and returns the results, which s owns. It runs on the Worker's own stream, also
// inside of Scope.On, unless the function says otherwise. Under another transformation it is as if
// it had not been compiled, and runs the Go function again; there it must have no
// state, unless that is also state of the function around it.
func (c *Compiled) Call(s *Scope, args ...Array) []Array { return c.Apply(s, args) }

// Apply is Call as a [Func]: Grad(c.Apply).
func (c *Compiled) Apply(s *Scope, args []Array) []Array {
	if !s.ok() {
		return nil
	}
	if err := c.usable(s); err != nil {
		s.failOp("compile", err)
		return nil
	}
	in := slices.Clone(args)
	for _, slot := range c.slots {
		in = append(in, s.current(slot))
	}
	c.running = true
	out, err := c.closure.Apply(in)
	c.running = false
	out = s.ownAll("compile", out, err)
	if s.err != nil {
		return nil
	}
	n := len(out) - len(c.state)
	for i, slot := range c.state {
		s.Assign(slot, out[n+i])
	}
	return out[:n:n]
}

// usable says why c cannot be called with s.
func (c *Compiled) usable(s *Scope) error {
	switch {
	case s.e != c.e:
		return errors.New("the function was compiled on another Worker")
	case c.closed.Load():
		return errors.New("the compiled function is closed")
	case c.running: // MLX would lose its place
		return errors.New("the compiled function calls itself")
	}
	for i, slot := range c.slots {
		if slot.IsNull() {
			return fmt.Errorf("%s: %w", c.slotName(i), errNull)
		}
	}
	return nil
}

// Retraces counts how often the Go function ran again after the first time: for
// new shapes or dtypes, after an error in it, and for every call under another
// transformation. It may be called from any goroutine.
func (c *Compiled) Retraces() int { return int(max(c.traces.Load()-1, 0)) }

// Close frees the compiled graphs on their Worker's thread, after the functions
// that are waiting there; inside of Do at once. What they returned stays good,
// computed or not. A second Close does nothing.
func (c *Compiled) Close() error {
	err := c.e.worker.Do(context.Background(), func(*Thread) error { return c.close() })
	if errors.Is(err, ErrStopped) {
		return c.close() // the graphs went with the thread
	}
	return err
}

func (c *Compiled) close() error {
	if c.running {
		return newError("compile", errors.New("a compiled function cannot close itself"))
	}
	if c.closed.Swap(true) {
		return nil
	}
	if err := c.closure.Close(); err != nil {
		return newError("closure_free", err)
	}
	return nil
}
