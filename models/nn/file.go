package nn

import (
	"context"
	"fmt"
	"maps"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Save writes every parameter of model to a safetensors file, under the names
// that mlx.nn's load_weights looks for. The file is there whole or not at all.
// Weights that are kept for inference only cannot be saved: see Policy.
func Save(t *mlx.Thread, path string, model any) error {
	arrays := map[string]mlx.Array{}
	for _, l := range Parameters(model) {
		if l.Array().IsNull() {
			return errInference(l.Name)
		}
		arrays[l.Name] = l.Array()
	}
	if err := mlx.SaveSafetensors(t, path, arrays, map[string]string{"format": "mlx"}); err != nil {
		return fmt.Errorf("nn: save: %w", err)
	}
	return nil
}

// LoadFile is Load from one safetensors file, such as Save or Python's
// save_weights writes. One that fails may have replaced some of the parameters.
func LoadFile(ctx context.Context, t *mlx.Thread, path string, model any, policy Policy, owner *mlx.Owner, opts ...LoadOption) error {
	arrays, _, err := mlx.LoadSafetensors(t, path)
	if err != nil {
		return fmt.Errorf("nn: load: %w", err)
	}
	all := slices.Collect(maps.Values(arrays))
	defer closeAll(all)
	if err := t.Eval(all...); err != nil { // reads the file, which may change later
		return fmt.Errorf("nn: load %s: %w", path, err)
	}
	var l loader
	for _, o := range opts {
		o(&l)
	}
	if err := Load(ctx, t, model, Arrays{arrays, l.quant}, policy, owner, opts...); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
