package bindings

import (
	"strings"
	"sync/atomic"
	"unsafe"
)

// #include "zshim.h"
import "C"

// percents says that strings may hold percent signs: see probePercents.
var percents atomic.Bool

// probePercents finds out whether the library hands messages on as they are.
// mlx-c as it is published uses them as printf formats, where %n writes to
// memory; built with native/message.h it does not. A message that quotes %%,
// which is harmless either way, tells which it is.
func probePercents() {
	const quoted = "%%"
	r := C.gm_mlx_distributed_init(true, (*C.char)(unsafe.Pointer(unsafe.StringData(quoted))), C.size_t(len(quoted)))
	if r.err == nil {
		return
	}
	err := fail("distributed_init", r.err)
	percents.Store(strings.Contains(err.Error(), quoted))
}

// PercentSigns reports whether strings may hold percent signs, once the library
// is loaded. Libraries that `mlx setup` builds take them; with others a string
// that has one is an error.
func PercentSigns() bool { return percents.Load() }
