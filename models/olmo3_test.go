package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestOlmo3Parity(t *testing.T) { testParity(t, "olmo3") }

// The newer form, rope_parameters by layer type or one for all, makes the same
// model. mlx-lm does not read it.
func TestOlmo3RopeParameters(t *testing.T) {
	yarn := fields{"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 16, "rope_theta": 500000.0}
	for name, parameters := range map[string]fields{
		"by layer type": {"full_attention": yarn, "sliding_attention": fields{"rope_type": "default", "rope_theta": 500000.0}},
		"for all":       yarn,
	} {
		t.Run(name, func(t *testing.T) {
			c := parityCases(t, "olmo3")["yarn"]
			c.Config = c.change(t, fields{"rope_scaling": nil, "rope_theta": nil, "rope_parameters": parameters})
			c.requireParity(t)
		})
	}
}

// requireParity compares a case that was changed with its logits.
func (c *parityCase) requireParity(t *testing.T) {
	t.Helper()
	leaktest.Check(t)
	m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
	leaktest.Do(t, func(th *mlx.Thread) {
		c.runWhole(t, th, m, len(c.Tokens), 1e-5)
		c.runSteps(t, th, m, 1, 1e-5)
	})
}

// A sliding layer has a scaling of its own where the configuration gives it one.
func TestOlmo3SlidingScaling(t *testing.T) {
	c := &Olmo3Config{}
	c.RopeParameters = ropeParameters{slidingAttention: {}, fullAttention: {}}
	c.RopeParameters[slidingAttention].RopeType = "linear"
	require.Equal(t, "linear", c.layerRope(slidingAttention).Scaling.Kind())
	require.Equal(t, "default", c.layerRope(fullAttention).Scaling.Kind())
}

func TestOlmo3RefusesConfigs(t *testing.T) {
	requireFieldErrors(t, "olmo3", append(olmo2Sizes, "sliding_window"), []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
		{"layer_types", []string{"full_attention"}, "layer_types: 1 types for 2 layers"},
		{"layer_types", []string{"full_attention", "linear_attention"}, `layer_types: layer 1 is "linear_attention"`},
		{"rope_scaling", fields{"type": "yarn"}, "rope_scaling.factor is 0"},
		{"rope_parameters", fields{"sliding_attention": fields{"rope_type": "spiral"}}, `rope_scaling.rope_type is "spiral"`},
	})
}
