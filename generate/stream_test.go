package generate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStreamUntilMaxTokens(t *testing.T) {
	for _, prompt := range [][]int32{{5}, {1, 2, 3}, {96, 0, 50, 7, 7, 96}} {
		for _, n := range []int{1, 2, 3, 40} {
			m := new(toy)
			r := collect(t, m, prompt, nil, WithMaxTokens(n))
			require.NoError(t, r.err)
			require.Equal(t, sums(prompt, n), r.ids)
			require.Equal(t, Length, r.last.Finish)
			require.Equal(t, len(prompt), r.last.Stats.PromptTokens)
			require.Equal(t, n, r.last.Stats.GeneratedTokens)
			// The prompt but its last token, and then a step a token: none is built
			// for a token that nobody will read.
			require.Len(t, m.shapes, n+min(len(prompt)-1, 1))
			require.Equal(t, []int{1}, m.shapes[len(m.shapes)-1])
		}
	}
}

func TestStreamDefaultBound(t *testing.T) {
	r := collect(t, new(toy), []int32{3, 4}, nil)
	require.NoError(t, r.err)
	require.Equal(t, sums([]int32{3, 4}, 256), r.ids)
	require.Equal(t, Length, r.last.Finish)
}

// letters is the Text of a tokenizer whose token i is the letter i, and which has
// one more to say at the end.
type letters struct{ said []int32 }

func (l *letters) Next(id int32) string {
	l.said = append(l.said, id)
	return string('a' + id%26)
}

func (l *letters) Flush() string { return "." }

// The prompt 1 2 3 goes on with 6 12 24 48 96 95.
func TestStreamStops(t *testing.T) {
	prompt := []int32{1, 2, 3}
	for _, c := range []struct {
		what   string
		opts   []Option
		ids    []int32
		text   string
		finish Finish
	}{
		{"no stop token", nil, []int32{6, 12, 24, 48, 96, 95}, "gmywsr.", Length},
		{"in the middle", []Option{WithStopTokens(24)}, []int32{6, 12, 24}, "gm.", Stop},
		{"the first token", []Option{WithStopTokens(6)}, []int32{6}, ".", Stop},
		{"the last token of the bound", []Option{WithStopTokens(95)}, []int32{6, 12, 24, 48, 96, 95}, "gmyws.", Stop},
		{"of several the first", []Option{WithStopTokens(48, 12), WithStopTokens(24)}, []int32{6, 12}, "g.", Stop},
		{"in the prompt", []Option{WithStopTokens(1, 2, 3)}, []int32{6, 12, 24, 48, 96, 95}, "gmywsr.", Length},
		{"taken back", []Option{WithStopTokens(24), WithoutStops()}, []int32{6, 12, 24, 48, 96, 95}, "gmywsr.", Length},
		{"taken back and others given", []Option{WithStopTokens(24), WithoutStops(), WithStopTokens(48)},
			[]int32{6, 12, 24, 48}, "gmy.", Stop},
	} {
		t.Run(c.what, func(t *testing.T) {
			text := new(letters)
			r := collect(t, new(toy), prompt, text, append(c.opts, WithMaxTokens(6))...)
			require.NoError(t, r.err)
			require.Equal(t, c.ids, r.ids)
			require.Equal(t, c.text, r.text)
			require.Equal(t, c.finish, r.last.Finish)
			require.Equal(t, 3, r.last.Stats.PromptTokens)
			require.Equal(t, len(c.ids), r.last.Stats.GeneratedTokens)
			if c.finish == Stop {
				require.NotContains(t, text.said, c.ids[len(c.ids)-1])
			}
		})
	}
}

// Without a bound a stream ends at a stop token only, past the default bound and
// the growth of the cache.
func TestStreamWithoutBound(t *testing.T) {
	script := make([]int32, 601)
	for i := range script {
		script[i] = int32(i % 90)
	}
	script[599] = 96
	r := collect(t, &toy{script: script}, []int32{1}, nil, WithMaxTokens(-1), WithStopTokens(96))
	require.NoError(t, r.err)
	require.Equal(t, script[:600], r.ids)
	require.Equal(t, Stop, r.last.Finish)
}

// A long prompt and a long answer: the cache grows twice on the way and every
// token of it counts.
func TestStreamPastCacheGrowth(t *testing.T) {
	prompt := make([]int32, 250)
	for i := range prompt {
		prompt[i] = int32(i * 31 % vocab)
	}
	r := collect(t, new(toy), prompt, nil, WithMaxTokens(300), WithPrefillStep(100))
	require.NoError(t, r.err)
	require.Equal(t, sums(prompt, 300), r.ids)
}
