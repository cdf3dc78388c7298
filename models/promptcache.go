package models

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LoadCache reads a cache that cache.Save, or mlx-lm's save_prompt_cache, wrote of
// this model, and the metadata of whoever saved it. A cache of another model is an
// error that names the layer. See generate.WithCache.
func (m *Model) LoadCache(t *mlx.Thread, path string) (_ *cache.Cache, _ map[string]string, err error) {
	like := m.NewCache(t)
	defer func() { err = errors.Join(err, like.Close()) }()
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array { // a step, which is not computed
		m.Forward(s, s.Zeros([]int{1}, mlx.Int32), like)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	kv, metadata, err := cache.LoadLike(t, path, like)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	return kv, metadata, nil
}
