package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

var llamaDir = flag.String("llama", "", "a Python environment with llama-cpp-python, whose tokens are compared")

func TestLlamaSettings(t *testing.T) {
	require.Equal(t, []setting{
		{of: llamaCpp, label: "llama.cpp, the same file", threads: 2},
		{of: llamaCpp, label: "llama.cpp, the same file, 8 prompts at once", threads: 2, rows: 8},
		{of: llamaCpp, label: "llama.cpp, the same file, 1 thread", threads: 1},
	}, llamaSettings(2))
	require.Len(t, llamaSettings(1), 2, "one thread is what there is")
}

// TestSeveralPrompts: the rates are those of all rows, and every row has all of its tokens.
func TestSeveralPrompts(t *testing.T) {
	several := llamaSettings(2)[1]
	p, err := startSetting(t, t.Context(), "well", several)
	require.NoError(t, err)
	s, err := p.run(t.Context(), small)
	require.NoError(t, err)
	require.Equal(t, []int32{5, 6, 7}, s.tokens, "of the first row")
	require.Equal(t, 64.0, s.prefill(), "8 prompts of 4 tokens in half a second")
	require.Equal(t, 64.0, s.decode(), "2 tokens of each after the first in a quarter")
	require.NoError(t, p.close())
	for act, want := range map[string]string{
		"one-less":  "asked for 8 prompts at once, got 7",
		"one-short": "asked for 3 tokens of each prompt, got 2 of prompt 3",
	} {
		t.Run(act, func(t *testing.T) {
			p, err := startSetting(t, t.Context(), act, several)
			require.NoError(t, err)
			_, err = p.run(t.Context(), small)
			require.EqualError(t, err, want)
			require.NoError(t, p.close())
		})
	}
}

// TestLlamaSideBySide: llama.py's rows do not mix, also where a longer request had other
// prompts before. Products of one row and of eight round otherwise, on which a token may
// part where two are as likely.
func TestLlamaSideBySide(t *testing.T) {
	if *llamaDir == "" {
		t.Skip("-llama names no Python environment")
	}
	ids, err := readPrompt(filepath.Join("..", "models", "testdata", "smollm2.json"))
	require.NoError(t, err)
	gguf := testmodels.RequireSmolLM2(t)
	w := workload{ids: ids, tokens: 6}
	one, several := llamaSettings(2)[0], llamaSettings(2)[1]
	alone, err := startLlama(t.Context(), *llamaDir, gguf, one, t.Output())
	require.NoError(t, err)
	together, err := startLlama(t.Context(), *llamaDir, gguf, several, t.Output())
	require.NoError(t, err)
	same, all := 0, 0
	for _, length := range []int{260, 40} { // in two batches, and in one
		w.prompt = length
		r, got := request{w.sequence(w.prompt), w.others(several.rows), w.tokens, 0}, answer{}
		require.NoError(t, together.ask(r, &got))
		require.NoError(t, got.check(r))
		rows := append([][]int32{got.Tokens}, got.Beside...)
		for i, prompt := range append([][]int32{r.Prompt}, r.Beside...) {
			var want answer
			require.NoError(t, alone.ask(request{Prompt: prompt, Tokens: w.tokens}, &want))
			t.Log(length, want.Tokens, rows[i])
			require.Equal(t, want.Tokens[0], rows[i][0], "prompt %d of %d tokens", i, length)
			same, all = same+commonPrefix(want.Tokens, rows[i]), all+w.tokens
		}
	}
	require.GreaterOrEqual(t, same, all*9/10)
	require.NoError(t, closeAll([]contender{alone, together}))
}
