package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// CloseAll closes arrays in one call and zeroes the slice. Null arrays are
// skipped.
func CloseAll(arrays ...Array) error { return bindings.CloseAll(arrays) }
