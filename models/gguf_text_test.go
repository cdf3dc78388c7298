package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// What ends an answer is what the file names and what tokens are called. A message
// of gpt-oss is not an answer.
func TestGGUFStopTokens(t *testing.T) {
	for _, c := range []struct {
		name   string
		tokens []string // the last ones, control tokens
		eos    uint32
		want   []int32
	}{
		{"llama 3", []string{"<|end_of_text|>", "<|eot_id|>"}, 30, []int32{30, 31}},
		{"qwen", []string{"<|endoftext|>", "<|im_end|>"}, 31, []int32{31, 30}},
		{"phi", []string{"<|end|>"}, 7, []int32{7, 31}},
		{"gpt-oss", []string{"<|end|>", "<|return|>", "<|call|>"}, 30, []int32{30, 31}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := llamaOfBlocks(t, gguf.TypeQ8_0)
			tokens, types := make([]string, 32), make([]int32, 32)
			for i := range tokens {
				tokens[i], types[i] = string(rune('0'+i)), 1
			}
			for i, text := range c.tokens {
				at := 32 - len(c.tokens) + i
				tokens[at], types[at] = text, 3
			}
			f.set(t, "tokenizer.ggml.tokens", tokens)
			f.set(t, "tokenizer.ggml.token_type", types)
			f.set(t, "tokenizer.ggml.eos_token_id", c.eos)
			m := loadTest(t, f.write(t))
			require.Equal(t, c.want, m.text.stops)
		})
	}
}
