package tokenizer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

// worstTime bounds what takes a fraction of a second where the work grows with the
// text, and hours where it grows with its square.
const worstTime = 20 * time.Second

// worst are texts of a megabyte, or less where time is short, that are bad for
// something.
func worst() map[string]string {
	n := 1 << 20
	if testing.Short() || raceEnabled {
		n = 1 << 16
	}
	rng, letters := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range letters {
		letters[i] = byte('a' + rng.IntN(26))
	}
	return map[string]string{
		"one letter": strings.Repeat("a", n), "letters": string(letters), "spaces": strings.Repeat(" ", n),
		"lines": strings.Repeat("\n", n), "spaces and lines": strings.Repeat(" \n  ", n/4), "digits": strings.Repeat("7", n),
		"marks": strings.Repeat("\u0301", n/2), "marked": "a" + strings.Repeat("\u0323\u0301", n/4), "ideographs": strings.Repeat("漢", n/3),
		"capitals": strings.Repeat("漢A", n/4), "punctuation": strings.Repeat("!", n), "metaspaces": strings.Repeat("▁", n/3),
		"control": strings.Repeat("\x00", n), "invalid": strings.Repeat("\xe2\x82", n/2), "brackets": strings.Repeat("<", n),
	}
}

// chain is a vocabulary whose tokens each grow from the one before: the merges of one word are as many as its letters.
func chain(t *testing.T, parts string) *Tokenizer {
	t.Helper()
	vocab, merges := map[string]int{"b": 0, "▁": 1, " ": 2}, [][2]string{}
	for k := 1; k <= 3000; k++ {
		vocab[strings.Repeat("a", k)] = len(vocab)
		if k > 1 {
			merges = append(merges, [2]string{strings.Repeat("a", k-1), "a"})
		}
	}
	data, err := json.Marshal(map[string]any{"type": "BPE", "vocab": vocab, "merges": merges})
	require.NoError(t, err)
	tok, err := Parse(fmt.Appendf(nil, `{"model":%s%s}`, data, parts))
	require.NoError(t, err)
	return tok
}

func requireFast(t *testing.T, tok *Tokenizer) {
	t.Helper()
	for name, text := range worst() {
		began := time.Now()
		ids, err := tok.Encode(text)
		require.NoError(t, err, name)
		_ = tok.Decode(ids)
		took := time.Since(began)
		require.Less(t, took, worstTime, name)
		if took > time.Second {
			t.Logf("%s: %v", name, took)
		}
	}
}

// No text takes longer than in proportion to its length, or nearly so.
func TestWorstTexts(t *testing.T) {
	all := loadSpecs(t)
	tried := map[string]bool{
		"normalizer nfc": true, "normalizer precompiled": true, "pre_tokenizer pattern o200k": true,
		"pre_tokenizer pattern deepseek": true, "model Unigram plain": true, "model lower piece": true, "added none": true,
	}
	if testing.Short() {
		tried = map[string]bool{"normalizer nfc": true, "pre_tokenizer pattern deepseek": true}
	}
	for _, spec := range all.Specs {
		if tried[spec.Name] {
			t.Run(spec.Name, func(t *testing.T) {
				tok, err := Parse(all.with(t, spec.Base, spec.Parts))
				require.NoError(t, err)
				requireFast(t, tok)
			})
		}
	}
	t.Run("chain", func(t *testing.T) { requireFast(t, chain(t, "")) })
}

// The same with the vocabularies of large models.
func TestWorstTextsOfLargeVocabularies(t *testing.T) {
	requireReference(t)
	for _, name := range []string{"gemma3", "qwen3", "gptoss"} {
		t.Run(name, func(t *testing.T) {
			path, err := testmodels.Tokenizer(t.Context(), name, t.Output())
			skipWithout(t, err)
			tok, err := Load(path)
			require.NoError(t, err)
			requireFast(t, tok)
		})
	}
}
