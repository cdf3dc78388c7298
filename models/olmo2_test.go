package models

import "testing"

func TestOlmo2Parity(t *testing.T) { testParity(t, "olmo2") }

var olmo2Sizes = []string{
	"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
}

func TestOlmo2RefusesConfigs(t *testing.T) {
	requireFieldErrors(t, "olmo2", olmo2Sizes, []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
		{"num_attention_heads", 0, "num_attention_heads: 0 is not between 1 and"},
		{"rope_scaling", fields{"type": "spiral"}, `rope_scaling.rope_type is "spiral"`},
		{"tie_word_embeddings", "no", "tie_word_embeddings: string is no bool"},
	})
}
