package gguf_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// smolLM2 returns the path of SmolLM2-135M-Instruct.Q4_1.gguf.
func digest(s ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(s, "\x00"))))[:16]
}

// The digests are of what MLX's own reader and the Python package gguf find in the file (testdata/dump.py).
func TestSmolLM2(t *testing.T) {
	f, err := gguf.Open(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	defer f.Close()
	raw, err := os.ReadFile("testdata/smollm2.json")
	require.NoError(t, err)
	var want struct {
		Keys                     []string
		Tokens, Merges, Template string
		Tensors                  map[string]struct {
			Type  string
			Shape []int
		}
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	var keys []string
	for key := range f.All() {
		keys = append(keys, key)
	}
	require.Equal(t, want.Keys, keys)
	tokens, err := f.Strings("tokenizer.ggml.tokens")
	require.NoError(t, err)
	require.Len(t, tokens, 49152)
	require.Equal(t, want.Tokens, digest(tokens...))
	merges, err := f.Strings("tokenizer.ggml.merges")
	require.NoError(t, err)
	require.Equal(t, want.Merges, digest(merges...))
	template, err := f.String("tokenizer.chat_template")
	require.NoError(t, err)
	require.Equal(t, want.Template, digest(template))
	require.Len(t, f.Tensors, len(want.Tensors))
	for _, info := range f.Tensors {
		require.Equal(t, want.Tensors[info.Name].Type, info.Type.String(), info.Name)
		require.Equal(t, want.Tensors[info.Name].Shape, info.Shape, info.Name)
	}
}

// Vocabulary and merges are 98,052 strings; they must not be as many allocations.
func TestSmolLM2OpensWithFewAllocations(t *testing.T) {
	path := testmodels.RequireSmolLM2(t)
	allocs := testing.AllocsPerRun(3, func() {
		f, err := gguf.Open(path)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	})
	require.Less(t, allocs, 2500.0)
}

func BenchmarkOpenSmolLM2(b *testing.B) {
	path := testmodels.RequireSmolLM2(b)
	b.ReportAllocs()
	for b.Loop() {
		f, err := gguf.Open(path)
		require.NoError(b, err)
		require.NoError(b, f.Close())
	}
}

// A tensor that was released reads as before, as often as one likes.
func TestReleasedTensorsAreReadAgain(t *testing.T) {
	f, err := gguf.Open(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	info, ok := f.Tensor("blk.0.attn_q.weight")
	require.True(t, ok)
	data, err := f.Data(info)
	require.NoError(t, err)
	before := slices.Clone(data)
	require.NoError(t, f.Release(info))
	require.Equal(t, before, data)
	require.NoError(t, f.Release(info))
	again, err := f.Data(info)
	require.NoError(t, err)
	require.Equal(t, before, again)
	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Release(info), gguf.ErrClosed)
}
