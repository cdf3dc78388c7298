package generate

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A prompt in chunks of any size gives what it gives whole, and the progress ends
// at its length.
func TestPrefillInChunks(t *testing.T) {
	prompt := []int32{4, 8, 15, 16, 23, 42, 4}
	for _, c := range []struct {
		step     int
		chunks   [][]int
		progress [][2]int
	}{
		{1, [][]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
			[][2]int{{0, 7}, {1, 7}, {2, 7}, {3, 7}, {4, 7}, {5, 7}, {7, 7}}},
		{3, [][]int{{1, 3}, {1, 3}}, [][2]int{{0, 7}, {3, 7}, {7, 7}}},
		{4, [][]int{{1, 4}, {1, 2}}, [][2]int{{0, 7}, {4, 7}, {7, 7}}},
		{6, [][]int{{1, 6}}, [][2]int{{0, 7}, {7, 7}}},
		{2048, [][]int{{1, 6}}, [][2]int{{0, 7}, {7, 7}}},
		{math.MaxInt, [][]int{{1, 6}}, [][2]int{{0, 7}, {7, 7}}},
	} {
		m := new(toy)
		var progress [][2]int
		r := collect(t, m, prompt, nil, WithMaxTokens(9), WithPrefillStep(c.step),
			WithProgress(func(done, total int) { progress = append(progress, [2]int{done, total}) }))
		require.NoError(t, r.err)
		require.Equal(t, sums(prompt, 9), r.ids, "step %d", c.step)
		require.Equal(t, c.progress, progress, "step %d", c.step)
		require.Equal(t, c.chunks, m.shapes[:len(c.chunks)], "step %d", c.step)
		require.Equal(t, []int{1}, m.shapes[len(c.chunks)], "the prompt's last token is a step's")
	}
}

func TestPrefillOfOneToken(t *testing.T) {
	var progress [][2]int
	r := collect(t, new(toy), []int32{7}, nil, WithMaxTokens(2),
		WithProgress(func(done, total int) { progress = append(progress, [2]int{done, total}) }))
	require.NoError(t, r.err)
	require.Equal(t, sums([]int32{7}, 2), r.ids)
	require.Equal(t, [][2]int{{1, 1}}, progress)
}

// Chunks that are done leave only the cache behind: the memory of a prompt is not
// that of its logits.
func TestPrefillComputesNoLogits(t *testing.T) {
	prompt := make([]int32, 40_001)
	r := collect(t, new(toy), prompt, nil, WithMaxTokens(1), WithPrefillStep(20_000))
	require.NoError(t, r.err)
	logits := uint64(20_000 * vocab * 4)
	require.Less(t, r.last.Stats.PeakMemory, logits)
}

func TestStreamRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	sampling := func(p Sampling) []Option { return []Option{WithSampling(p)} }
	for _, c := range []struct {
		prompt []int32
		opts   []Option
		want   string
	}{
		{nil, nil, "generate: the prompt has no tokens"},
		{[]int32{}, []Option{WithMaxTokens(0)}, "generate: the prompt has no tokens"},
		{[]int32{1}, []Option{WithPrefillStep(0)}, "generate: the prefill step is 0, want at least 1"},
		{[]int32{1}, []Option{WithPrefillStep(-3)}, "generate: the prefill step is -3, want at least 1"},
		{[]int32{1}, sampling(Sampling{Temperature: -0.1}), "generate: temperature -0.1 is not 0 or more"},
		{[]int32{1}, sampling(Sampling{Temperature: nan}), "generate: temperature NaN is not 0 or more"},
		{[]int32{1}, sampling(Sampling{Temperature: inf}), "generate: temperature +Inf is not 0 or more"},
		{[]int32{1}, sampling(Sampling{TopP: -0.5}), "generate: top-p -0.5 is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{TopP: 1.5}), "generate: top-p 1.5 is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{TopP: nan}), "generate: top-p NaN is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{MinP: -1}), "generate: min-p -1 is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{MinP: 2}), "generate: min-p 2 is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{MinP: nan}), "generate: min-p NaN is not between 0 and 1"},
		{[]int32{1}, sampling(Sampling{TopK: -1}), "generate: top-k -1 is negative"},
		{[]int32{1}, []Option{WithMaxKVSize(-2)}, "generate: cache: the maximum size is -2 tokens, want at least 1"},
		{[]int32{1}, []Option{WithKVBits(7)}, "generate: cache: 7 bits a number; 2, 3, 4, 5, 6 and 8 are known"},
		{[]int32{1}, []Option{WithKVBits(8), WithKVGroupSize(16)}, "generate: cache: groups of 16 numbers; 32, 64 and 128 are known"},
		{[]int32{1}, []Option{WithQuantizedKVStart(-1)}, "generate: quantisation is to start after -1 tokens, want at least 0"},
	} {
		t.Run(c.want, func(t *testing.T) {
			m := new(toy)
			r := collect(t, m, c.prompt, nil, c.opts...)
			require.EqualError(t, r.err, c.want)
			require.Empty(t, r.ids)
			require.Empty(t, m.shapes, "the model ran")
		})
	}
}

// No tokens at all are one item without a token: the reason and the figures.
func TestStreamMaxTokensZero(t *testing.T) {
	m := new(toy)
	n := 0
	for tok, err := range Stream(t.Context(), mlx.Default(), m, []int32{1, 2}, new(letters), WithMaxTokens(0)) {
		require.NoError(t, err)
		require.Equal(t, Token{Finish: Length, Stats: &Stats{PromptTokens: 2}}, tok)
		n++
	}
	require.Equal(t, 1, n)
	require.Empty(t, m.shapes)
}

// Whichever call of the model fails, the error comes back whole, with the place,
// after the tokens before it, and everything is freed.
func TestStreamModelFails(t *testing.T) {
	boom := errors.New("the model is out of order")
	prompt := []int32{1, 2, 3, 4, 5}
	for call, want := range map[int]struct {
		tokens int
		place  string
	}{
		1: {0, "generate: prompt: "}, 2: {0, "generate: prompt: "}, // two chunks
		3: {0, "generate: prompt: "}, // the first step
		4: {1, "generate: token 2: "}, 5: {1, "generate: token 2: "}, 8: {4, "generate: token 5: "},
	} {
		m := &toy{fail: func(n int) error {
			if n == call {
				return boom
			}
			return nil
		}}
		r := collect(t, m, prompt, nil, WithPrefillStep(2), WithMaxTokens(9))
		require.ErrorIs(t, r.err, boom, "call %d", call)
		require.ErrorContains(t, r.err, want.place, "call %d", call)
		require.ErrorContains(t, r.err, boom.Error())
		require.Equal(t, sums(prompt, want.tokens), r.ids, "call %d", call)
		require.Len(t, m.shapes, call, "the model was called again")
	}
}

// Whichever operation of a generation fails, its error ends the stream and
// everything is freed; the next one is not the worse for it.
func TestStreamEveryOperationMayFail(t *testing.T) {
	prompt := []int32{1, 2, 3}
	opts := []Option{WithMaxTokens(3), WithSeed(4),
		WithSampling(Sampling{Temperature: 1, TopP: 0.9, MinP: 0.01, TopK: 30})}
	want := collect(t, new(toy), prompt, nil, opts...)
	require.NoError(t, want.err)
	for n := 1; ; n++ {
		boom := fmt.Errorf("operation %d", n)
		failAt(t, n, boom)
		r := collect(t, new(toy), prompt, nil, opts...)
		if r.err == nil { // there are fewer than n operations
			failAt(t, 0, nil)
			require.Equal(t, want.ids, r.ids)
			require.Greater(t, n, 100)
			return
		}
		require.ErrorIs(t, r.err, boom)
		require.Equal(t, want.ids[:len(r.ids)], append([]int32{}, r.ids...))
	}
}

func failAt(t *testing.T, n int, err error) {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		th.FailAt(n, err)
		return nil
	}))
}

// The first token is there before the model is asked for the second step; every later
// one while the step after it is on its way.
func TestStreamFirstTokenComesFirst(t *testing.T) {
	m, seen := new(toy), []int{}
	for tok, err := range Stream(t.Context(), mlx.Default(), m, []int32{1, 2, 3}, nil, WithMaxTokens(4)) {
		require.NoError(t, err)
		require.NotZero(t, tok.ID)
		seen = append(seen, len(m.shapes))
	}
	require.Equal(t, []int{2, 4, 5, 5}, seen, "calls: one for the prompt, one for each token")
}
