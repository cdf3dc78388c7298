package runtime

import (
	"context"
	"errors"
	stdruntime "runtime"
	"slices"
	"sync"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Owner owns arrays that outlive a Build: the weights of a model, the state of a
// cache. Close frees them. Its methods may be called from any goroutine.
//
// Keep the Owner reachable as long as its arrays are in use. One that is garbage
// collected without Close frees its arrays on the thread, after the function
// that runs there, and they count as [Leaked].
type Owner struct {
	h *holding
}

// holding is what an Owner holds, apart from it so that the Owner can be
// collected while the Worker knows the holding.
type holding struct {
	worker *Worker
	name   string

	mu     sync.Mutex
	closed bool
	arrays []Array
	slots  []*Array
}

// NewOwner makes an Owner whose arrays live on t's Worker. The name stands in
// leak reports.
func (t *Thread) NewOwner(name string) *Owner {
	e, err := t.live()
	if err != nil {
		return &Owner{&holding{name: name, closed: true}}
	}
	h := &holding{worker: e.worker, name: name}
	e.worker.gmu.Lock()
	e.worker.owners[h] = struct{}{}
	e.worker.gmu.Unlock()
	o := &Owner{h}
	stdruntime.AddCleanup(o, (*holding).drop, h)
	return o
}

// Keep takes over a and returns it. A closed Owner frees it, when the function on
// the thread returns, and returns the zero Array. What is kept must not be closed or assigned to elsewhere: see Slot.
func (o *Owner) Keep(a Array) Array {
	h := o.h
	h.mu.Lock()
	if !h.closed {
		if !a.IsNull() {
			h.arrays = append(h.arrays, a)
		}
		h.mu.Unlock()
		return a
	}
	h.mu.Unlock()
	h.refuse(a)
	return Array{}
}

// Slot takes over a, which may be the zero Array, and returns the place where it
// is kept: a destination for [Scope.Assign], which frees the old value. The
// Owner frees the value that the place holds when it is closed.
func (o *Owner) Slot(a Array) *Array {
	h := o.h
	slot := new(Array)
	h.mu.Lock()
	closed := h.closed
	if !closed {
		*slot = a
		h.slots = append(h.slots, slot)
	}
	h.mu.Unlock()
	if closed {
		h.refuse(a)
	}
	return slot
}

// Slots lists the places that Slot made and that hold a value: the weights of a model.
func (o *Owner) Slots() []*Array {
	o.h.mu.Lock()
	defer o.h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.h.slots), func(a *Array) bool { return a.IsNull() })
}

// Close frees the arrays on their Worker's thread, after the functions that are
// waiting there. Inside of Do it frees them at once. A second Close does nothing.
func (o *Owner) Close() error {
	defer stdruntime.KeepAlive(o)
	h := o.h
	if h.worker == nil {
		return nil
	}
	err := h.worker.Do(context.Background(), func(*Thread) error {
		if err := bindings.CloseAll(h.take()); err != nil {
			return newError("array_free", err)
		}
		return nil
	})
	if errors.Is(err, ErrStopped) {
		return nil // Stop freed them
	}
	return err
}

// refuse frees an array that came too late.
func (h *holding) refuse(a Array) {
	if h.worker != nil && !a.IsNull() {
		h.worker.discard([]Array{a}, nil)
	}
}

// take empties the holding, for its arrays to be freed on the thread.
func (h *holding) take() []Array {
	h.worker.gmu.Lock()
	delete(h.worker.owners, h)
	h.worker.gmu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	all := h.arrays
	for _, s := range h.slots {
		if !s.IsNull() {
			all = append(all, *s)
			*s = Array{}
		}
	}
	h.arrays, h.slots = nil, nil
	return all
}

// drop runs when the Owner was garbage collected. The thread takes the arrays: it
// may be writing to a slot now.
func (h *holding) drop() { h.worker.discard(nil, h) }
