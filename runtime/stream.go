package runtime

import (
	"errors"
	"fmt"
	"sync"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Stream is a queue of work on one device: what is on one stream runs in order,
// what is on two may run at the same time. MLX waits where an operation needs
// what another stream computes. A Stream belongs to the Thread that it came from.
// The zero Stream is none.
type Stream struct{ s *stream }

// stream is one that NewStream gave out, or one that the thread has of itself.
type stream struct {
	e      *engine
	h      bindings.Stream // null once it is closed
	index  int32           // MLX's number of it
	device Device
	own    bool // the thread's: closed with it
}

// streams are those of one thread beside its default ones. MLX never ends the
// OS thread behind a CPU stream, so those that were closed are given out again.
type streams struct {
	smu   sync.Mutex           // guards the handles of given too
	given map[*stream]struct{} // out and not closed
	idle  map[Device][]int32
}

// NewStream returns a further stream on the thread's device. Close gives it back;
// what is open when the Worker stops ends with it.
//
// A CPU stream is an OS thread that stays until the process ends: open few.
func (t *Thread) NewStream() (Stream, error) {
	d, err := t.Device()
	if err != nil {
		return Stream{}, err
	}
	return t.NewStreamOn(d)
}

// NewStreamOn is NewStream on another device than the thread's.
func (t *Thread) NewStreamOn(d Device) (Stream, error) {
	var st *stream
	err := t.call("stream_new_device", func(e *engine) (err error) {
		st, err = e.openStream(d)
		return err
	})
	if err != nil {
		return Stream{}, err
	}
	return Stream{st}, nil
}

// Stream returns the stream that the thread's operations run on, or the zero
// Stream outside of Do. Closing it does nothing.
func (t *Thread) Stream() Stream {
	if t == nil || t.e == nil {
		return Stream{}
	}
	return Stream{t.e.main}
}

// CPUStream returns the thread's stream on the CPU, for operations that have no
// kernel on a GPU. On a CPU Worker it is that of Stream.
func (t *Thread) CPUStream() Stream {
	if t == nil || t.e == nil {
		return Stream{}
	}
	return Stream{t.e.host}
}

// Device returns the device that the stream's work runs on.
func (s Stream) Device() Device {
	if s.s == nil {
		return Device{}
	}
	return s.s.device
}

// Close gives the stream back. Work that was started on it is done all the same.
// It may be called from any goroutine, and twice.
func (s Stream) Close() error {
	if s.s == nil || s.s.own {
		return nil
	}
	all := &s.s.e.streams
	all.smu.Lock()
	defer all.smu.Unlock()
	if s.s.h == (bindings.Stream{}) {
		return nil
	}
	delete(all.given, s.s)
	all.idle[s.s.device] = append(all.idle[s.s.device], s.s.index)
	return s.s.h.Close() // frees two numbers: any thread may
}

// handle returns the bindings' stream for use on e's thread.
func (s Stream) handle(e *engine) (bindings.Stream, error) {
	switch {
	case s.s == nil:
		return bindings.Stream{}, errors.New("the stream is none (never made)")
	case s.s.e != e:
		return bindings.Stream{}, errors.New("the stream belongs to another Worker")
	}
	e.smu.Lock()
	defer e.smu.Unlock()
	if s.s.h == (bindings.Stream{}) {
		return bindings.Stream{}, errors.New("the stream is closed")
	}
	return s.s.h, nil
}

// Synchronize waits until everything that was started on the streams is done;
// without any, on the thread's stream. It returns the error that work on them
// failed with, if no Eval did.
func (t *Thread) Synchronize(streams ...Stream) error {
	if len(streams) == 0 {
		streams = []Stream{t.Stream()}
	}
	return t.call("synchronize", func(e *engine) error {
		for _, s := range streams {
			h, err := s.handle(e)
			if err == nil {
				err = bindings.Synchronize(h)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// On runs f with the Scope's operations on stream st, and returns what f returns.
// The operations before and after stay on the stream that they were on. Arrays go
// from one stream to another freely: MLX makes the reader wait.
func (s *Scope) On(st Stream, f func(s *Scope) Array) Array {
	if s.err != nil {
		return Array{}
	}
	h, err := st.handle(s.e)
	if err != nil {
		s.failOp("on", err)
		return Array{}
	}
	before := s.stream
	s.stream = h
	defer func() { s.stream = before }()
	return f(s)
}

// Device returns the device that the Scope's operations run on: that of its
// stream.
func (s *Scope) Device() Device {
	switch s.stream {
	case s.e.main.h:
		return s.e.main.device
	case s.e.host.h:
		return s.e.host.device
	}
	s.e.smu.Lock()
	defer s.e.smu.Unlock()
	for st := range s.e.given {
		if st.h == s.stream {
			return st.device
		}
	}
	return s.e.main.device
}

// openStream takes an idle stream of d, or makes one.
func (e *engine) openStream(d Device) (*stream, error) {
	e.smu.Lock()
	defer e.smu.Unlock()
	st := &stream{e: e, device: d}
	if idle := e.idle[d]; len(idle) > 0 {
		last := len(idle) - 1
		h, err := streamOf(idle[last])
		if err != nil {
			return nil, err
		}
		st.h, st.index, e.idle[d] = h, idle[last], idle[:last]
		e.given[st] = struct{}{}
		return st, nil
	}
	dev, err := d.open()
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	if st.h, err = bindings.NewStreamDevice(dev); err != nil {
		return nil, err
	}
	e.given[st] = struct{}{}
	st.index, err = st.h.GetIndex()
	return st, err
}

// streamOf returns a handle on the stream that MLX has under a number.
func streamOf(index int32) (found bindings.Stream, err error) {
	list, err := bindings.GetStreams()
	for i := range list {
		n, e := list[i].GetIndex()
		if e == nil && n == index && found == (bindings.Stream{}) {
			found = list[i]
			continue
		}
		err = errors.Join(err, e, list[i].Close())
	}
	if err == nil && found == (bindings.Stream{}) {
		err = fmt.Errorf("MLX has no stream %d", index)
	}
	return found, err
}

// ownStreams wraps the streams that the thread has of itself.
func (e *engine) ownStreams(d Device) {
	e.given, e.idle = map[*stream]struct{}{}, map[Device][]int32{}
	e.main = &stream{e: e, h: e.stream, device: d, own: true}
	e.host = e.main
	if d.Type != CPU {
		e.host = &stream{e: e, h: e.cpu, device: Device{Type: CPU}, own: true}
	}
}

// closeStreams waits for what runs on streams that were given out, also those
// that were closed, and closes their handles.
func (e *engine) closeStreams() error {
	e.smu.Lock()
	defer e.smu.Unlock()
	var errs []error
	for _, idle := range e.idle {
		for _, index := range idle {
			h, err := streamOf(index)
			if err == nil {
				err = errors.Join(bindings.Synchronize(h), h.Close())
			}
			errs = append(errs, err)
		}
	}
	for st := range e.given {
		errs = append(errs, bindings.Synchronize(st.h), st.h.Close())
	}
	clear(e.given)
	clear(e.idle)
	return errors.Join(errs...)
}
