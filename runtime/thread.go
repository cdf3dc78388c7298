package runtime

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// ErrOutsideDo is returned by the methods of a Thread that is used after the
// function that it was given to has returned.
var ErrOutsideDo = errors.New("mlx: Thread used outside its Do")

// Thread is the proof that the code runs on a Worker's OS thread. Do hands one
// to each function; it must not leave that function, nor its goroutine.
type Thread struct {
	e *engine // nil once the function has returned
}

// engine is what a Worker keeps on its OS thread.
type engine struct {
	device bindings.Device
	stream bindings.Stream // the default stream of device on this thread
	cpu    bindings.Stream // the CPU's: files are read there
	main   *stream         // stream, for users
	host   *stream         // cpu, for users
	worker *Worker
	scopes []*Scope // at rest, for reuse
	depth  int      // callbacks of MLX that are running
	lost   error    // why nothing can run any more
	ints   []int    // where Shape carves its results from

	cpuKernels bool // our own kernels for a CPU are loaded
	exporting  bool // a function is being exported

	streams
	kernels
	faults
}

// live returns the engine, or ErrOutsideDo, or why the engine is lost.
func (t *Thread) live() (*engine, error) {
	switch {
	case t == nil || t.e == nil:
		return nil, ErrOutsideDo
	case t.e.lost != nil:
		return nil, t.e.lost
	}
	return t.e, nil
}

// Eval computes arrays, and waits. Arrays whose inputs nobody else holds reuse
// the inputs' memory, so close what is no longer needed before.
func (t *Thread) Eval(arrays ...Array) error { return t.eval("eval", false, arrays) }

// AsyncEval starts to compute arrays and returns. Reading one of them waits for
// it. An error of the computation itself may come back from a later call.
func (t *Thread) AsyncEval(arrays ...Array) error {
	return t.eval("async_eval", true, arrays)
}

func (t *Thread) eval(op string, async bool, arrays []Array) error {
	e, err := t.live()
	if err != nil {
		return err
	}
	for _, a := range arrays {
		if a.IsNull() {
			return newError(op, errNull)
		}
	}
	if err := e.evaluate(arrays, async); err != nil {
		return newError(op, err)
	}
	return nil
}

// call runs a function of the bindings and gives its error op and caller.
func (t *Thread) call(op string, f func(*engine) error) error {
	e, err := t.live()
	if err != nil {
		return err
	}
	if err := f(e); err != nil {
		return newError(op, err)
	}
	return nil
}

// open gets the thread's device and streams from MLX. What it opened before an
// error is closed again.
func (e *engine) open(want Device, given bool) error {
	if _, err := bindings.LoadLibrary(); err != nil {
		return err // which closing would say again
	}
	err := e.openAll(want, given)
	if err != nil {
		err = errors.Join(err, e.close())
	}
	return err
}

func (e *engine) openAll(want Device, given bool) error {
	var err error
	if given {
		e.device, err = want.open()
	} else {
		e.device, err = bindings.GetDefaultDevice()
	}
	if err != nil {
		return err
	}
	if given {
		if err := bindings.SetDefaultDevice(e.device); err != nil {
			return newError("set_default_device", err)
		}
	}
	if e.stream, err = bindings.GetDefaultStream(e.device); err != nil {
		return newError("get_default_stream", err)
	}
	if e.cpu, err = bindings.NewDefaultCPUStream(); err != nil {
		return newError("default_cpu_stream_new", err)
	}
	d, err := deviceOf(e)
	if err != nil {
		return newError("device", err)
	}
	e.ownStreams(d)
	e.fuses, e.cpuKernels = d.Type != CPU, bindings.HasKernels()
	return nil
}

// close ends the thread's streams. Compiled graphs go first: what they hold of Go
// must not wait for the end of the thread.
func (e *engine) close() error {
	var wait, end error
	graphs := errors.Join(e.closeKernels(), forgetCompiled())
	if e.stream != (bindings.Stream{}) {
		wait = bindings.Synchronize(e.stream)
	}
	if e.cpu != (bindings.Stream{}) {
		wait = errors.Join(wait, bindings.Synchronize(e.cpu))
	}
	wait = errors.Join(wait, e.closeStreams())
	closing := errors.Join(e.stream.Close(), e.cpu.Close(), e.device.Close())
	if wait == nil {
		end = bindings.ClearStreams()
	}
	return errors.Join(graphs, wait, closing, end)
}

// forgetCompiled empties the thread's store of compiled graphs.
func forgetCompiled() error {
	cache, err := bindings.DetailCompileCache()
	if err != nil {
		return err
	}
	return errors.Join(bindings.DetailCompileClearCache(cache), cache.Close())
}
