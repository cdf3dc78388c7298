package runtime

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// garbage is what a Worker has to free: handles whose Owner is gone, queued by
// any goroutine and freed on the thread between two functions, never during one.
type garbage struct {
	gmu     sync.Mutex
	queue   []Array
	dropped []*holding            // of Owners that were garbage collected
	owners  map[*holding]struct{} // of Owners not yet closed
}

// leaks counts the handles that nobody closed, by the name of their Owner.
var leaks = struct {
	sync.Mutex
	total  atomic.Int64
	byName map[string]int
}{byName: map[string]int{}}

// Leaked counts the arrays of Owners that were dropped without Close. It may be
// called from any goroutine. Tests treat a count above zero as a failure.
func Leaked() int { return int(leaks.total.Load()) }

// LeakedBy tells the arrays that Leaked counts by the name of their Owner.
func LeakedBy() map[string]int {
	leaks.Lock()
	defer leaks.Unlock()
	return maps.Clone(leaks.byName)
}

func countLeak(name string, n int) {
	if n == 0 {
		return
	}
	leaks.Lock()
	defer leaks.Unlock()
	leaks.byName[name] += n
	leaks.total.Add(int64(n))
}

// discard queues arrays, and what a dropped Owner held, to be freed on the thread.
func (w *Worker) discard(arrays []Array, dropped *holding) {
	w.gmu.Lock()
	w.queue = append(w.queue, arrays...)
	if dropped != nil {
		w.dropped = append(w.dropped, dropped)
	}
	w.gmu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// collect frees what is queued. Freeing a handle that exists does not fail.
func (w *Worker) collect() {
	w.gmu.Lock()
	queue, dropped := w.queue, w.dropped
	w.queue, w.dropped = nil, nil
	w.gmu.Unlock()
	for _, h := range dropped {
		queue = append(queue, h.takeLeaked()...)
	}
	_ = bindings.CloseAll(queue)
}

// takeLeaked empties a holding that nobody closed.
func (h *holding) takeLeaked() []Array {
	arrays := h.take()
	countLeak(h.name, len(arrays))
	return arrays
}

// abandon frees what is queued and what the Owners hold, when the thread ends.
func (w *Worker) abandon() error {
	w.collect()
	w.gmu.Lock()
	open := slices.Collect(maps.Keys(w.owners))
	w.gmu.Unlock()
	var all []Array
	for _, h := range open {
		all = append(all, h.takeLeaked()...)
	}
	return bindings.CloseAll(all)
}
