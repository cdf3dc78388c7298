package runtime

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// ActiveMemory returns the bytes that arrays hold, in the whole process.
func (t *Thread) ActiveMemory() (uint64, error) {
	return t.bytes("get_active_memory", bindings.GetActiveMemory)
}

// PeakMemory returns the most bytes that arrays held since the start, or since
// ResetPeakMemory.
func (t *Thread) PeakMemory() (uint64, error) {
	return t.bytes("get_peak_memory", bindings.GetPeakMemory)
}

// CacheMemory returns the bytes that MLX keeps for reuse.
func (t *Thread) CacheMemory() (uint64, error) {
	return t.bytes("get_cache_memory", bindings.GetCacheMemory)
}

// MemoryLimit returns the bytes that SetMemoryLimit set, or MLX's default.
func (t *Thread) MemoryLimit() (uint64, error) {
	return t.bytes("get_memory_limit", bindings.GetMemoryLimit)
}

// ResetPeakMemory starts PeakMemory afresh.
func (t *Thread) ResetPeakMemory() error {
	return t.call("reset_peak_memory", func(*engine) error { return bindings.ResetPeakMemory() })
}

// ClearCache returns the memory kept for reuse to the system.
func (t *Thread) ClearCache() error {
	return t.call("clear_cache", func(*engine) error { return bindings.ClearCache() })
}

// SetMemoryLimit sets how many bytes MLX should use, and returns the limit
// before. It is a guideline: MLX waits for running work rather than exceed it.
func (t *Thread) SetMemoryLimit(limit uint64) (uint64, error) {
	return t.bytes("set_memory_limit", func() (uint64, error) { return bindings.SetMemoryLimit(limit) })
}

// SetCacheLimit sets how many bytes MLX keeps for reuse, and returns the limit
// before. What is kept beyond it goes back to the system at once on a CPU, with
// the next allocation on a GPU.
func (t *Thread) SetCacheLimit(limit uint64) (uint64, error) {
	return t.bytes("set_cache_limit", func() (uint64, error) { return bindings.SetCacheLimit(limit) })
}

// SetWiredLimit sets how many bytes of arrays stay resident on Metal, so that
// the system does not page a model out, and returns the limit before. More than
// the device recommends (max_recommended_working_set_size of DeviceInfo) is an
// error, and so is any limit where there is no Metal.
func (t *Thread) SetWiredLimit(limit uint64) (uint64, error) {
	const op = "set_wired_limit"
	err := t.call(op, func(e *engine) error {
		metal, err := bindings.MetalIsAvailable()
		if err == nil && !metal {
			err = fmt.Errorf("only Metal wires memory, and this library finds none: the thread computes on %v", e.main.device)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return t.bytes(op, func() (uint64, error) { return bindings.SetWiredLimit(limit) })
}

func (t *Thread) bytes(op string, f func() (uint64, error)) (uint64, error) {
	var n uint64
	err := t.call(op, func(*engine) (err error) {
		n, err = f()
		return err
	})
	return n, err
}
