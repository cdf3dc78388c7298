package generate

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Model is what generation needs of a language model.
type Model interface {
	// Forward maps tokens to logits and grows the cache: [B, L] of a prompt to
	// [B, L, V], [B] of a single step to [B, V].
	Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array
	// NewCache makes an empty cache for the model.
	NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache
}

// Text is the part of a tokenizer that generation needs: it turns ids into
// whole characters as they come.
type Text interface {
	// Next adds a token and returns the text that is complete with it.
	Next(id int32) string
	// Flush returns what is left, incomplete characters as U+FFFD.
	Flush() string
}
