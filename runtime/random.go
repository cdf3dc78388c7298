package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// RandomKey makes the key that random operations draw from: equal seeds draw
// equal numbers. A key serves one operation; get more with Scope.RandomSplit.
// Without a key MLX takes hidden state of the thread, which no seed here sets.
func (t *Thread) RandomKey(seed uint64) (Array, error) {
	var key Array
	err := t.call("random_key", func(*engine) (err error) {
		key, err = bindings.RandomKey(seed)
		return err
	})
	return key, err
}
