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
func (m *Model) LoadCache(t *mlx.Thread, path string) (*cache.Cache, map[string]string, error) {
	kv, metadata, err := cache.Load(t, path)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	if err := m.checkCache(t, kv); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("models: %s is not a cache of this model: %w", path, err), kv.Close())
	}
	return kv, metadata, nil
}

// checkCache compares a cache with the one that a step makes, which is not
// computed.
func (m *Model) checkCache(t *mlx.Thread, kv *cache.Cache) (err error) {
	like := m.NewCache(t)
	defer func() { err = errors.Join(err, like.Close()) }()
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		m.Forward(s, s.Zeros([]int{1}, mlx.Int32), like)
		return nil
	})
	if err != nil {
		return err
	}
	return kv.Fits(like)
}
