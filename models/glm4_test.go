package models

import "testing"

func TestGlm4Parity(t *testing.T) { testParity(t, "glm4") }

// The newer form, rope_parameters, makes the same model; mlx-lm does not read it.
func TestGlm4RopeParameters(t *testing.T) {
	c := parityCases(t, "glm4")["no biases, a key for each query, all rotary"]
	c.Config = c.change(t, fields{
		"rope_theta": nil, "partial_rotary_factor": nil,
		"rope_parameters": fields{"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
	})
	c.requireParity(t)
}

func TestGlm4RefusesConfigs(t *testing.T) {
	sizes := []string{
		"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
	}
	requireFieldErrors(t, "glm4", sizes, []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
		{"hidden_size", nil, "hidden_size: 0 is not between 1 and"},
		{"partial_rotary_factor", 1.5, "partial_rotary_factor"},
		{"partial_rotary_factor", -0.5, "partial_rotary_factor"},
		{"rope_scaling", fields{"type": "yarn", "factor": -1}, "rope_scaling.factor is -1"},
	})
}
