package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// LoadSafetensors reads the arrays and the metadata of a safetensors file. The
// data is read when an array is evaluated: leave the file in place until then.
// The arrays are the caller's to close. Paths with a percent sign or a NUL are
// refused.
func LoadSafetensors(t *Thread, path string) (map[string]Array, map[string]string, error) {
	var arrays map[string]Array
	var metadata map[string]string
	err := t.call("load_safetensors", func(e *engine) (err error) {
		arrays, metadata, err = bindings.LoadSafetensors(path, e.cpu)
		return err
	})
	return arrays, metadata, err
}
