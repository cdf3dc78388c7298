package models

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The perplexity does not depend on how many sequences run at a time, and the
// standard error is that of its definition.
func TestPerplexityOfTiny(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"), WithDtype(mlx.Float32))
	tokens := make([]int32, 4*9+3)
	for i := range tokens {
		tokens[i] = int32(i*i+7*i) % 40
	}
	var first *Perplexity
	for _, batch := range []int{1, 3, 4, 100} {
		var told []int
		p, err := m.Perplexity(t.Context(), tokens, WithSequenceLength(9), WithBatchSize(batch),
			WithBatchProgress(func(done, total int) { told = append(told, done, total) }))
		require.NoError(t, err)
		require.Equal(t, 4, p.Sequences)
		require.Equal(t, 4*8, p.Tokens)
		require.Equal(t, []int{4, 4}, told[len(told)-2:])
		require.Positive(t, p.TPS())
		require.Positive(t, p.PeakMemory)
		if first == nil {
			first = p
		}
		require.InEpsilon(t, first.Value, p.Value, 1e-5)
		require.InEpsilon(t, first.StandardError, p.StandardError, 1e-4)
	}
	p, err := m.Perplexity(t.Context(), tokens[:2], WithSequenceLength(2))
	require.NoError(t, err)
	require.True(t, math.IsNaN(p.StandardError), "of one prediction nothing is known")
}

// Of a model that knows nothing every token is equally likely: the perplexity is
// the size of the vocabulary.
func TestPerplexityOfNothingKnown(t *testing.T) {
	var sums spread
	for range 10 {
		sums.add(math.Log(48))
	}
	require.InEpsilon(t, 48, math.Exp(sums.mean), 1e-12)
	require.InDelta(t, 0, sums.variance(), 1e-24)
	sums = spread{}
	for _, v := range []float64{1, 2, 4, 9} {
		sums.add(v)
	}
	require.InEpsilon(t, 38.0/3, sums.variance(), 1e-12) // by hand: mean 4, squares 9, 4, 0, 25
}

func TestPerplexityRefuses(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"))
	tokens := []int32{1, 2, 3, 4}
	for _, c := range []struct {
		opts   []PerplexityOption
		tokens []int32
		want   string
	}{
		{[]PerplexityOption{WithSequenceLength(1)}, tokens, "a sequence of 1 tokens has none to predict"},
		{[]PerplexityOption{WithBatchSize(0)}, tokens, "batches of 0 sequences"},
		{nil, tokens, "4 tokens are no sequence of 512"},
		{[]PerplexityOption{WithSequenceLength(2)}, []int32{1, 2, 3, 99999}, "99999, is not in the vocabulary"},
	} {
		_, err := m.Perplexity(t.Context(), c.tokens, c.opts...)
		require.ErrorContains(t, err, "models: perplexity: ")
		require.ErrorContains(t, err, c.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := m.Perplexity(ctx, make([]int32, 8), WithSequenceLength(2), WithBatchSize(1),
		WithBatchProgress(func(int, int) { cancel() }))
	require.ErrorIs(t, err, context.Canceled)
}
