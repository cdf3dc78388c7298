package generate

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Streams that take turns on one worker know nothing of each other: greedy ones,
// and drawing ones with keys of their own.
func TestInterleavedStreams(t *testing.T) {
	draw := []Option{WithSampling(Sampling{Temperature: 8}), WithSeed(3), WithMaxTokens(20)}
	cases := []struct {
		prompt []int32
		opts   []Option
	}{
		{[]int32{1, 2, 3}, []Option{WithMaxTokens(20)}},
		{[]int32{50, 60, 70, 80, 90}, []Option{WithMaxTokens(20), WithPrefillStep(1)}},
		{[]int32{1, 2, 3}, draw},
		{[]int32{1, 2, 3}, append(draw[:2:2], WithMaxTokens(20), WithPrefillStep(1))},
	}
	live := handles(t)
	var alone [][]int32
	var pulls []func() (Token, error, bool)
	for _, c := range cases {
		alone = append(alone, collect(t, new(toy), c.prompt, nil, c.opts...).ids)
		next, stop := iter.Pull2(Stream(t.Context(), mlx.Default(), new(toy), c.prompt, nil, c.opts...))
		defer stop()
		pulls = append(pulls, next)
	}
	together := make([][]int32, len(cases))
	for range 20 {
		for i, next := range pulls {
			tok, err, ok := next()
			require.NoError(t, err)
			require.True(t, ok)
			together[i] = append(together[i], tok.ID)
		}
	}
	for _, next := range pulls {
		_, _, ok := next()
		require.False(t, ok)
	}
	require.Equal(t, alone, together)
	require.Equal(t, sums(cases[0].prompt, 20), together[0])
	require.Equal(t, live, mlx.Live())
}

// The same from goroutines of their own, one of which gives up half-way.
func TestConcurrentStreams(t *testing.T) {
	live := handles(t)
	have, errs := make([][]int32, 6), make([]error, 6)
	done := make(chan int)
	for i := range have {
		go func() {
			defer func() { done <- i }()
			for tok, err := range Stream(t.Context(), mlx.Default(), new(toy), []int32{int32(i), 9}, nil, WithMaxTokens(30)) {
				if errs[i] = err; err != nil || i == 5 && len(have[i]) == 15 {
					return
				}
				have[i] = append(have[i], tok.ID)
			}
		}()
	}
	for range have {
		<-done
	}
	for i := range have {
		require.NoError(t, errs[i])
		require.Equal(t, sums([]int32{int32(i), 9}, 30)[:len(have[i])], have[i])
	}
	require.Len(t, have[0], 30)
	require.Len(t, have[5], 15)
	require.Equal(t, live, mlx.Live())
}

// Equal seeds give equal tokens, others give others, and the seed counts only
// where something is drawn.
func TestSeed(t *testing.T) {
	draw := func(opts ...Option) []int32 {
		r := collect(t, new(toy), []int32{1, 2, 3}, nil, append(opts, WithMaxTokens(30))...)
		require.NoError(t, r.err)
		return r.ids
	}
	warm := WithSampling(Sampling{Temperature: 5})
	require.Equal(t, draw(warm, WithSeed(7)), draw(warm, WithSeed(7)))
	require.NotEqual(t, draw(warm, WithSeed(7)), draw(warm, WithSeed(8)))
	require.Equal(t, draw(warm), draw(warm, WithSeed(0)), "the default seed is 0")
	require.NotEqual(t, draw(warm, WithSeed(1)), draw(warm, WithSeed(1<<63|1)), "a seed has 64 bits")
	require.Equal(t, draw(warm, WithSeed(7)), draw(warm, WithSeed(7), WithPrefillStep(1)), "chunks draw nothing")
	require.Equal(t, draw(WithSeed(7)), draw(WithSeed(8)), "greedy")
	require.Equal(t, sums([]int32{1, 2, 3}, 30), draw(WithSeed(7)))
}

// A filter that leaves only the likeliest token is greedy, whatever is drawn.
func TestSamplingOfOneIsGreedy(t *testing.T) {
	for _, p := range []Sampling{
		{Temperature: 5, TopK: 1}, {Temperature: 5, MinP: 1}, {Temperature: 5, TopP: 1e-6}, {Temperature: 1e-6},
	} {
		r := collect(t, new(toy), []int32{1, 2, 3}, nil, WithSampling(p), WithMaxTokens(20))
		require.NoError(t, r.err)
		require.Equal(t, sums([]int32{1, 2, 3}, 20), r.ids, "%+v", p)
	}
}
