package runtime

import (
	"context"
	"errors"
	stdruntime "runtime"
	"sync"
	"sync/atomic"
)

// ErrStopped is returned by Do once the Worker was stopped.
var ErrStopped = errors.New("mlx: the worker is stopped")

// Worker owns one OS thread on which MLX is called, with its device and stream.
// Its methods may be called from any goroutine. The thread starts at the first
// Do and lives until Stop.
type Worker struct {
	device      Device
	deviceGiven bool

	jobs chan *job     // unbuffered: what is taken is run at once
	wake chan struct{} // there is garbage
	quit chan struct{} // closed by Stop
	done chan struct{} // closed when the thread has ended
	tid  atomic.Int64  // the OS thread, 0 when there is none

	engine *engine // written before tid, read on the thread only

	mu      sync.Mutex
	started bool
	stopped bool
	stopErr error // what ending the thread failed with

	garbage
}

// WorkerOption changes how NewWorker makes a Worker.
type WorkerOption func(*Worker)

// WithDevice makes a Worker compute on d. Without it the device is MLX's default:
// the GPU where there is one.
func WithDevice(d Device) WorkerOption {
	return func(w *Worker) { w.device, w.deviceGiven = d, true }
}

// NewWorker makes a Worker of its own thread beside the default one. Arrays of
// one Worker must not be used on another.
func NewWorker(opts ...WorkerOption) *Worker {
	w := &Worker{
		jobs: make(chan *job),
		wake: make(chan struct{}, 1),
		quit: make(chan struct{}),
		done: make(chan struct{}),
	}
	w.owners = map[*holding]struct{}{}
	for _, o := range opts {
		o(w)
	}
	return w
}

var defaultWorker = sync.OnceValue(func() *Worker { return NewWorker() })

// Default returns the Worker that the package's Do uses.
func Default() *Worker { return defaultWorker() }

// Do runs f on the default Worker's thread and returns its error. See
// [Worker.Do].
func Do(ctx context.Context, f func(t *Thread) error) error { return Default().Do(ctx, f) }

// Do runs f on the worker's thread, after the functions that were handed in
// before, waits for it and returns its error. The first Do starts the thread and
// loads the library, and returns the error of that.
//
// When ctx is done before f has begun, Do returns ctx.Err() and f does not run;
// once it runs, looking at ctx is f's own business. A Do inside of f runs inline.
// A panic in f, and a Goexit as of testing.T.FailNow, continue in the caller.
//
// f must not wait for another goroutine's Do on the same Worker: that one waits
// for f.
func (w *Worker) Do(ctx context.Context, f func(t *Thread) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e := w.here(); e != nil {
		return e.run(f)
	}
	if err := w.begin(); err != nil {
		return err
	}
	j := &job{f: f, done: make(chan struct{})}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrStopped
	}
	<-j.done
	return j.result()
}

// Stop waits for the function that runs, ends the thread and frees what Owners
// of the Worker still hold; those count as leaked. Functions that wait get
// ErrStopped, and so does every later Do. Stop cannot be called inside of Do.
func (w *Worker) Stop() error {
	if w.here() != nil {
		return errors.New("mlx: Stop called inside of Do")
	}
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.quit)
		if !w.started {
			close(w.done)
		}
	}
	w.mu.Unlock()
	<-w.done
	return w.stopErr
}

// begin starts the thread if there is none.
func (w *Worker) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return ErrStopped
	}
	if w.started {
		return nil
	}
	opened := make(chan error)
	go w.main(opened)
	if err := <-opened; err != nil {
		return err
	}
	w.started = true
	return nil
}

// main is the worker's goroutine. It never unlocks its OS thread, so that the
// thread and all that MLX keeps on it end with it.
func (w *Worker) main(opened chan<- error) {
	stdruntime.LockOSThread()
	e := &engine{worker: w}
	if err := e.open(w.device, w.deviceGiven); err != nil {
		opened <- err
		return
	}
	w.engine = e
	w.tid.Store(threadID())
	opened <- nil
	w.serve(e)
}

// serve runs jobs until Stop. A Goexit inside of a job ends every function on
// this goroutine's stack but runs what they deferred: the deferred call goes on
// serving, so that goroutine and thread live on.
func (w *Worker) serve(e *engine) {
	ended := false
	defer func() {
		if ended {
			return
		}
		if v := recover(); v != nil {
			panic(v) // not a job's: those are caught
		}
		w.serve(e)
	}()
	for !ended {
		select {
		case j := <-w.jobs:
			j.run(e)
		case <-w.wake:
			w.collect()
		case <-w.quit:
			w.end(e)
			ended = true
		}
	}
}

func (w *Worker) end(e *engine) {
	w.stopErr = errors.Join(w.abandon(), e.close())
	w.tid.Store(0)
	close(w.done)
}

// here returns the engine when the caller is on the worker's thread.
func (w *Worker) here() *engine {
	if tid := w.tid.Load(); tid == 0 || tid != threadID() {
		return nil
	}
	return w.engine
}

// job is one function on its way to the thread and its outcome on the way back.
type job struct {
	f        func(*Thread) error
	done     chan struct{}
	err      error
	returned bool
	panicked any
}

func (j *job) run(e *engine) {
	defer func() {
		if !j.returned {
			j.panicked = recover()
		}
		e.worker.collect() // what f left is gone when Do returns
		close(j.done)
	}()
	j.err = e.run(j.f)
	j.returned = true
}

// result ends the caller's Do as f ended.
func (j *job) result() error {
	if !j.returned {
		if j.panicked != nil {
			panic(j.panicked)
		}
		stdruntime.Goexit()
	}
	return j.err
}

// run calls f with a Thread that lives as long as the call.
func (e *engine) run(f func(*Thread) error) error {
	t := &Thread{e: e}
	defer func() { t.e = nil }()
	return f(t)
}
