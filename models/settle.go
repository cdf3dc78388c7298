package models

import (
	"runtime"
	"runtime/debug"
)

// muchGarbage is worth a collection before weights are read.
const muchGarbage = 16 << 20

// settle gives back what reading the vocabulary has left behind, so that it does
// not lie in memory beside the weights.
func settle() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc+m.HeapIdle-m.HeapReleased > muchGarbage {
		debug.FreeOSMemory()
	}
}
