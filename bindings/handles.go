package bindings

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// #include "shim.h"
// #cgo noescape gm_close_arrays
// #cgo noescape gm_retain
// #cgo nocallback gm_retain
import "C"

// kind numbers the handle types.
type kind int

var (
	live    [kinds]atomic.Int64
	tracing atomic.Bool
	traced  = struct {
		sync.Mutex
		open map[tracedHandle][]uintptr
	}{open: map[tracedHandle][]uintptr{}}
)

type tracedHandle struct {
	kind kind
	h    uintptr
}

// opened counts a handle that a call returned. Null handles are nothing.
func opened(k kind, h uintptr) uintptr {
	if h != 0 {
		live[k].Add(1)
		if tracing.Load() {
			traceOpen(k, h)
		}
	}
	return h
}

func closed(k kind, h uintptr) {
	live[k].Add(-1)
	if tracing.Load() {
		traceClose(k, h)
	}
}

// setHandle stores what a setter made of a handle: it may have been null.
func setHandle(k kind, h *uintptr, now uintptr) {
	if *h == 0 {
		*h = opened(k, now)
	}
}

func traceOpen(k kind, h uintptr) {
	pcs := make([]uintptr, 32)
	n := runtime.Callers(4, pcs)
	traced.Lock()
	defer traced.Unlock()
	traced.open[tracedHandle{k, h}] = pcs[:n]
}

func traceClose(k kind, h uintptr) {
	traced.Lock()
	defer traced.Unlock()
	delete(traced.open, tracedHandle{k, h})
}

// Live counts the open handles by kind; kinds without any are left out. It may
// be called from any goroutine.
func Live() map[string]int {
	out := map[string]int{}
	for k := range live {
		if n := live[k].Load(); n != 0 {
			out[kindNames[k]] = int(n)
		}
	}
	return out
}

// TraceHandles makes every call remember the stack that opened a handle, for
// LiveStacks. It is meant for tests: it costs microseconds a call.
func TraceHandles(on bool) { tracing.Store(on) }

// LiveStacks describes the open handles that were opened under TraceHandles: kind,
// count and stack, the most frequent first.
func LiveStacks() []string {
	traced.Lock()
	defer traced.Unlock()
	counts := map[string]int{}
	for h, pcs := range traced.open {
		counts[kindNames[h.kind]+" opened by\n"+formatStack(pcs)]++
	}
	var out []string
	for text, n := range counts {
		out = append(out, fmt.Sprintf("%d x %s", n, text))
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(b, a) })
	return out
}

func formatStack(pcs []uintptr) string {
	var b strings.Builder
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "\t%s (%s:%d)\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}

// CloseAll closes arrays in one crossing and zeroes them in place. Null arrays
// are skipped.
func CloseAll(arrays []Array) error {
	n := 0
	for _, a := range arrays {
		if a.h == 0 {
			continue
		}
		n++
		if tracing.Load() {
			traceClose(kindArray, a.h)
		}
	}
	if n == 0 {
		return nil
	}
	live[kindArray].Add(int64(-n))
	r := C.gm_close_arrays((*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(arrays))), C.size_t(len(arrays)))
	clear(arrays)
	if r.err != nil {
		return fail("array_free", r.err)
	}
	return nil
}

// Retain returns a second handle on the same array, to be closed on its own.
//
// C: mlx_array_set on a null array.
func (arr Array) Retain() (Array, error) {
	if err := ensure(); err != nil {
		return Array{}, err
	}
	r := C.gm_retain(C.uintptr_t(arr.h))
	if r.err != nil {
		return Array{}, fail("array_set", r.err)
	}
	return Array{opened(kindArray, uintptr(r.w0))}, nil
}

// IsNull reports whether a is the null array.
func (arr Array) IsNull() bool { return arr.h == 0 }
