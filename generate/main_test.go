package generate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// vocab is the toy's; a prime, so that doubled sums go round. With a script it is
// scriptVocab.
const vocab, scriptVocab = 97, 1024

// toy is a language model whose next token is the sum of all tokens so far, modulo
// vocab, which it reads out of a real cache: attention with equal weights is the
// mean of what is stored. A token lost, doubled or taken from another sequence
// shows in every token that follows.
type toy struct {
	script []int32           // instead of the sum: the token after position i
	fail   func(n int) error // asked at each call of Forward, from 1
	width  int               // of the keys, 8 if less
	shapes [][]int           // of the tokens of each call
}

func (m *toy) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, []cache.Kind{cache.Full()}, opts...)
}

// Forward gives each token v the logit -|v - next|/2.
func (m *toy) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	shape := s.Shape(tokens)
	m.shapes = append(m.shapes, append([]int(nil), shape...))
	if m.fail != nil {
		s.Fail(m.fail(len(m.shapes)))
	}
	if s.Err() != nil {
		return mlx.Array{}
	}
	batch, length, from := shape[0], 1, kv.Offset()
	if len(shape) == 2 {
		length = shape[1]
	}
	v := s.Reshape(s.AsType(tokens, mlx.Float32), batch, 1, length, 1)
	v = s.BroadcastTo(v, batch, 1, length, max(8, m.width))
	mean := kv.KV(s, 0).Attend(s, s.ZerosLike(v), s.ZerosLike(v), v, cache.Attention{Scale: 1})
	seen := s.Reshape(s.Arange(float64(from+1), float64(from+length+1), 1, mlx.Float32), 1, 1, length, 1)
	sum := s.Round(s.Multiply(s.MeanAxis(mean, -1, true), seen), 0)
	next, width := s.Remainder(sum, s.Scalar(vocab, mlx.Float32)), vocab // [B, 1, L, 1]
	if m.script != nil {
		width = scriptVocab
		next = s.AsType(mlx.Const(s, m.script[from:from+length], 1, 1, length, 1), mlx.Float32)
	}
	distance := s.Abs(s.Subtract(s.Arange(0, float64(width), 1, mlx.Float32), next)) // [B, 1, L, V]
	return s.Reshape(s.Multiply(distance, s.Scalar(-0.5, mlx.Float32)), append(shape, width)...)
}

// sums is what the toy says after prompt.
func sums(prompt []int32, n int) (want []int32) {
	sum := int32(0)
	for _, p := range prompt {
		sum += p
	}
	for range n {
		want = append(want, sum%vocab)
		sum += sum % vocab
	}
	return want
}

// result is a stream that has ended.
type result struct {
	ids  []int32
	text string
	last Token
	err  error
}

// collect runs a stream to its end and requires that it left nothing open, that
// only its last token says why it ended, and that nothing comes after an error.
func collect(t *testing.T, m Model, prompt []int32, text Text, opts ...Option) (r result) {
	t.Helper()
	live := handles(t)
	for tok, err := range Stream(t.Context(), mlx.Default(), m, prompt, text, opts...) {
		require.NoError(t, r.err, "an item after the error")
		require.Empty(t, r.last.Finish, "a token after the last one")
		if r.err = err; err != nil {
			require.Equal(t, Token{}, tok, "a token beside an error")
			continue
		}
		r.ids, r.text, r.last = append(r.ids, tok.ID), r.text+tok.Text, tok
		require.Equal(t, tok.Finish != "", tok.Stats != nil)
	}
	require.Equal(t, live, handles(t), "open handles")
	return r
}

// handles counts what is open, on a worker that has started.
func handles(t *testing.T) map[string]int {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(*mlx.Thread) error { return nil }))
	return mlx.Live()
}
