package nn_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type rope struct {
	Layer nn.RoPE `weight:""`
}

// scaling reads a rope_scaling as it stands in config.json.
func scaling(t *testing.T, text string) *nn.RopeScaling {
	t.Helper()
	out := new(nn.RopeScaling)
	require.NoError(t, json.Unmarshal([]byte(text), out))
	return out
}

func TestRoPEEqualsReference(t *testing.T) {
	const llama3 = `{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
		"original_max_position_embeddings": 64}`
	for name, c := range map[string]nn.RoPE{
		"default":     {Dims: 16, Base: 10000},
		"base":        {Dims: 16, Base: 500000},
		"traditional": {Dims: 16, Base: 10000, Traditional: true},
		"part":        {Dims: 8, Base: 10000},
		"linear":      {Dims: 16, Base: 10000, Scaling: scaling(t, `{"type": "linear", "factor": 4.0}`)},
		"newlinear":   {Dims: 16, Base: 10000, Scaling: scaling(t, `{"rope_type": "linear", "factor": 2.5}`)},
		"llama3":      {Dims: 16, Base: 500, Scaling: scaling(t, llama3)},
		"llama3traditional": {Dims: 16, Base: 500, Traditional: true, Scaling: scaling(t,
			`{"type": "llama3", "factor": 8, "original_max_position_embeddings": 64}`)}, // the factors left out are the same
	} {
		t.Run(name, func(t *testing.T) {
			withReference(t, func(r *reference) {
				m := &rope{c}
				r.load(m, false)
				for _, x := range []string{"heads", "row"} {
					for _, offset := range []int{0, 7, 300} {
						r.requireOutput(fmt.Sprintf("%s.%s.%d", name, x, offset), x, func(s *mlx.Scope, x mlx.Array) mlx.Array {
							return m.Layer.Forward(s, x, nn.At(offset))
						})
					}
				}
			})
		})
	}
}

// A part of a fused projection, whose rows lie apart in memory, turns like a copy
// of it.
func TestRoPEOfView(t *testing.T) {
	withReference(t, func(r *reference) {
		m := &rope{nn.RoPE{Dims: 16, Base: 10000}}
		r.load(m, false)
		r.requireOutput("default.heads.7", "heads", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			wide := s.ConcatenateAxis([]mlx.Array{s.Negative(x), x, x}, -1)
			return m.Layer.Forward(s, s.SplitSections(wide, []int{16, 32}, -1)[1], nn.At(7))
		})
	})
}

func TestRoPERefusesScaling(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "yarn", "factor": 2}`:                              `is "yarn"; default, linear and llama3 are known`,
		`{"rope_type": "longrope"}`:                                  `rope_scaling.rope_type is "longrope"`,
		`{"type": "su", "rope_type": "linear", "factor": 2}`:         `rope_scaling.rope_type is "su"`,
		"{\"type\": \"\\u001b[31m\\n\"}":                             `rope_scaling.rope_type is "\u001b[31m\n"`,
		`{"type": "linear"}`:                                         `rope_scaling.factor is 0, want a positive number`,
		`{"type": "linear", "factor": -1}`:                           `rope_scaling.factor is -1, want a positive number`,
		`{"rope_type": "llama3", "low_freq_factor": 1, "factor": 0}`: `rope_scaling.factor is 0, want a positive number`,
	} {
		m := &rope{nn.RoPE{Dims: 16, Base: 10000, Scaling: scaling(t, text)}}
		require.ErrorContains(t, m.Layer.Validate(), want, text)
		withReference(t, func(r *reference) {
			err := nn.Load(t.Context(), r.th, m, checkpoint{}, nn.Policy{Dtype: mlx.Float32}, r.owner)
			require.ErrorContains(t, err, want, "Load validates too")
		})
	}
	for _, factor := range []float64{math.NaN(), math.Inf(1)} {
		r := nn.RoPE{Dims: 16, Scaling: &nn.RopeScaling{Type: "linear", Factor: factor}}
		require.ErrorContains(t, r.Validate(), "want a positive number")
	}
	for _, ok := range []string{`{}`, `{"rope_type": "default"}`, `{"type": "default", "factor": 0}`} {
		require.NoError(t, (&nn.RoPE{Scaling: scaling(t, ok)}).Validate())
	}
}
