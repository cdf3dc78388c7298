package generate

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// clearEvery is after how many tokens MLX's cache of free buffers is emptied:
// sizes that growing caches no longer ask for would pile up.
const clearEvery = 256

// decoder is one generation on its way, on MLX's thread.
type decoder struct {
	model  Model
	config *config
	cache  *cache.Cache
	owner  *mlx.Owner
	token  *mlx.Array // [1], being computed: the next token to read
	key    *mlx.Array // the random key of the step after it
	read   int        // tokens read

	quantized bool
}

// newDecoder runs the prompt and starts the first step.
func newDecoder(t *mlx.Thread, m Model, c *config) *decoder {
	d := &decoder{model: m, config: c, cache: c.kv.cache(t, m), owner: t.NewOwner("generation")}
	d.token, d.key = d.owner.Slot(mlx.Array{}), d.owner.Slot(mlx.Array{})
	return d
}

// prefill runs the next chunk of the prompt, all but its last token, and
// returns what is left. Only the cache is evaluated: the logits were dropped
// with the graph, so they are never computed.
func (d *decoder) prefill(t *mlx.Thread, prompt []int32) ([]int32, error) {
	n := min(d.config.prefillStep, len(prompt)-1)
	tokens, err := mlx.FromSlice(t, prompt[:n], 1, n)
	if err != nil {
		return nil, err
	}
	defer tokens.Close()
	if _, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		d.model.Forward(s, tokens, d.cache)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := d.quantize(t); err != nil {
		return nil, err
	}
	if err := t.Eval(d.cache.State()...); err != nil {
		return nil, err
	}
	return prompt[n:], t.ClearCache()
}

// start builds the first step from the prompt's last token.
func (d *decoder) start(t *mlx.Thread, last int32) error {
	if !d.config.sampling.Greedy() {
		key, err := t.RandomKey(d.config.seed)
		if err != nil {
			return err
		}
		*d.key = key
	}
	token, err := mlx.FromSlice(t, []int32{last}, 1)
	if err != nil {
		return err
	}
	defer token.Close()
	next, err := d.build(t, token)
	*d.token = next
	return err
}

// build builds and starts one step: the token [1] that follows token [1].
func (d *decoder) build(t *mlx.Thread, token mlx.Array) (mlx.Array, error) {
	next, err := t.Build(func(s *mlx.Scope) mlx.Array {
		logits := d.model.Forward(s, token, d.cache)
		var draw mlx.Array
		if !d.config.sampling.Greedy() {
			var rest mlx.Array
			rest, draw = s.RandomSplit(*d.key)
			s.Assign(d.key, rest)
		}
		return d.config.sampling.Sample(s, logits, draw)
	})
	if err != nil {
		return mlx.Array{}, err
	}
	started := []mlx.Array{next}
	if !d.key.IsNull() {
		started = append(started, *d.key) // unread, it would grow the graph for ever
	}
	err = d.quantize(t)
	if err == nil {
		err = t.AsyncEval(started...)
	}
	if err != nil {
		return mlx.Array{}, errors.Join(err, next.Close())
	}
	return next, nil
}

// next reads the pending token. Before it waits for that it starts the step after, but
// for the first token: there somebody waits for the answer to begin, and what would be
// gained later is less than what building that step takes now.
func (d *decoder) next(t *mlx.Thread) (int32, error) {
	if d.read == 1 {
		if err := d.advance(t); err != nil {
			return 0, err
		}
	}
	var following mlx.Array
	if d.read > 0 && d.more() {
		var err error
		if following, err = d.build(t, *d.token); err != nil {
			return 0, err
		}
	}
	id, err := mlx.Item[uint32](t, *d.token)
	if d.read > 0 {
		err = errors.Join(err, d.token.Close())
		*d.token = following
	}
	if err != nil {
		return 0, err
	}
	if d.read%clearEvery == 0 {
		err = t.ClearCache()
	}
	d.read++
	return int32(id), err
}

// more reports whether a token follows the pending one.
func (d *decoder) more() bool { return d.config.maxTokens < 0 || d.read+1 < d.config.maxTokens }

// advance starts the step after the first token, which was read.
func (d *decoder) advance(t *mlx.Thread) error {
	second, err := d.build(t, *d.token)
	if err != nil {
		return err
	}
	err = d.token.Close()
	*d.token = second
	return err
}

// close frees the cache and what is being computed.
func (d *decoder) close() error {
	err := d.owner.Close()
	if d.config.kv.given == nil {
		err = errors.Join(err, d.cache.Close())
	}
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return nil
}
