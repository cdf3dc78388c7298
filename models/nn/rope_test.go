package nn_test

import (
	"encoding/json"
	"math"
	"strings"
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

// Rope scalings of testdata/rope.py.
const (
	llama3   = `{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64`
	yarn     = `{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64`
	deepseek = `{"type": "deepseek_yarn", "factor": 40, "original_max_position_embeddings": 128, "beta_fast": 16, "beta_slow": 2,
		"mscale": 0.9, "mscale_all_dim": 0.5`
	longrope = `{"rope_type": "longrope", "short_factor": [1, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875],
		"long_factor": [1, 1.5, 3, 5.5, 9, 13.5, 19, 25.5], "original_max_position_embeddings": 64`
	dynamic = `{"type": "dynamic", "factor": 4.0`
	factors = `"freq_factors": [1, 1, 1.5, 2, 3, 8, 8, 8]`
)

// ropes are the layers of testdata/rope.py.
func ropes(t *testing.T) map[string]nn.RoPE {
	is := func(text string) *nn.RopeScaling { return scaling(t, text) }
	return map[string]nn.RoPE{
		"default":         {Dims: 16, Base: 10000},
		"base":            {Dims: 16, Base: 500000},
		"traditional":     {Dims: 16, Base: 10000, Traditional: true},
		"part":            {Dims: 8, Base: 10000},
		"traditionalpart": {Dims: 8, Base: 10000, Traditional: true},
		"linear":          {Dims: 16, Base: 10000, Scaling: is(`{"type": "linear", "factor": 4.0}`)},
		"newlinear":       {Dims: 16, Base: 10000, Scaling: is(`{"rope_type": "linear", "factor": 2.5}`)},
		"llama3":          {Dims: 16, Base: 500, Scaling: is(llama3 + `}`)},
		"llama3traditional": {Dims: 16, Base: 500, Traditional: true, Scaling: is(
			`{"type": "llama3", "factor": 8, "original_max_position_embeddings": 64}`)}, // the factors left out are the same
		"yarn":               {Dims: 16, Base: 10000, Scaling: is(yarn + `}`)},
		"yarnpart":           {Dims: 8, Base: 1000, Scaling: is(yarn + `, "beta_fast": 32, "beta_slow": 1, "mscale": 1, "truncate": true}`)},
		"untruncated":        {Dims: 16, Base: 10000, Scaling: is(yarn + `, "truncate": false}`)},
		"deepseek":           {Dims: 16, Base: 500, Traditional: true, Scaling: is(deepseek + `}`)},
		"longrope":           {Dims: 16, Base: 10000, Scaling: is(longrope + `}`), MaxPositions: 256},
		"shortrope":          {Dims: 16, Base: 10000, Scaling: is(strings.Replace(longrope, "longrope", "su", 1) + `}`), MaxPositions: 64},
		"dynamic":            {Dims: 16, Base: 10000, Scaling: is(dynamic + `}`), MaxPositions: 32},
		"dynamictraditional": {Dims: 16, Traditional: true, Scaling: is(dynamic + `}`), MaxPositions: 32},
		"proportional":       {Dims: 16, Base: 1000, Scaling: is(`{"rope_type": "proportional", "partial_rotary_factor": 0.25}`)},
		"proportionalfactor": {Dims: 16, Base: 1000, Scaling: is(`{"type": "proportional", "partial_rotary_factor": 0.4, "factor": 2}`)},
		"mrope":              {Dims: 16, Scaling: is(`{"type": "mrope", "mrope_section": [2, 3, 3]}`)},
		"factors":            {Dims: 16, Base: 500, Scaling: is("{" + factors + "}")},
		"factorsllama3":      {Dims: 16, Base: 500, Scaling: is(llama3 + "," + factors + "}")},
	}
}

// Every layer turns as the reference's does, where it looks angles up and where
// MLX computes them: weights that are not float32 leave it to MLX.
func TestRoPEEqualsReference(t *testing.T) {
	for name, layer := range ropes(t) {
		for how, dtype := range map[string]mlx.Dtype{"looked up": mlx.Float32, "by MLX": mlx.BFloat16} {
			t.Run(name+"/"+how, func(t *testing.T) {
				withReferenceOf(t, "rope", func(r *reference) {
					m := &rope{layer}
					require.NoError(t, nn.Load(t.Context(), r.th, m, checkpoint{}, nn.Policy{Dtype: dtype}, r.owner))
					r.requireTurns(name, &m.Layer)
				})
			})
		}
	}
}

// positioned is a layer that goes by positions.
type positioned interface {
	Forward(s *mlx.Scope, x mlx.Array, at nn.Position) mlx.Array
}

// requireTurns compares the layer with the outputs of that name.
func (r *reference) requireTurns(name string, layer positioned) {
	r.t.Helper()
	rows, err := mlx.FromSlice(r.th, []int32{70, 7}, 2)
	require.NoError(r.t, err)
	defer rows.Close()
	for suffix, at := range map[string]nn.Position{
		"heads.0": nn.At(0), "heads.7": nn.At(7), "heads.300": nn.At(300), "heads.rows": {Rows: rows},
		"row.0": nn.At(0), "row.300": nn.At(300), "row.rows": {Rows: rows},
	} {
		input, _, _ := strings.Cut(suffix, ".")
		r.requireOutput(name+"."+suffix, input, func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return layer.Forward(s, x, at)
		})
	}
}

func TestPositionScaleEqualsReference(t *testing.T) {
	withReferenceOf(t, "rope", func(r *reference) {
		r.requireTurns("growth", nn.PositionScale{Beta: 0.3, Context: 8})
		r.requireOutput("growth.heads.0", "heads", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return nn.PositionScale{}.Forward(s, x, nn.At(300)) // no scale at all
		})
	})
	for want, p := range map[string]nn.PositionScale{
		"beta -1 and context 8":   {Beta: -1, Context: 8},
		"beta NaN and context 8":  {Beta: math.NaN(), Context: 8},
		"beta +Inf and context 8": {Beta: math.Inf(1), Context: 8},
		"beta 0.1 and context 0":  {Beta: 0.1},
	} {
		require.ErrorContains(t, p.Validate(), want)
	}
	require.NoError(t, nn.PositionScale{}.Validate())
}

// A part of a fused projection, whose rows lie apart in memory, turns like a copy
// of it.
func TestRoPEOfView(t *testing.T) {
	for _, traditional := range []bool{false, true} {
		name := map[bool]string{false: "default", true: "traditional"}[traditional]
		withReferenceOf(t, "rope", func(r *reference) {
			m := &rope{nn.RoPE{Dims: 16, Base: 10000, Traditional: traditional}}
			r.load(m, false)
			r.requireOutput(name+".heads.7", "heads", func(s *mlx.Scope, x mlx.Array) mlx.Array {
				wide := s.ConcatenateAxis([]mlx.Array{s.Negative(x), x, x}, -1)
				return m.Layer.Forward(s, s.SplitSections(wide, []int{16, 32}, -1)[1], nn.At(7))
			})
		})
	}
}

// Layers of one Build share angles only when they turn alike.
func TestRoPEsApart(t *testing.T) {
	withReferenceOf(t, "rope", func(r *reference) {
		all := ropes(t)
		loaded := map[string]*rope{}
		for name, layer := range all {
			loaded[name] = &rope{layer}
			r.load(loaded[name], false)
		}
		for name := range all {
			r.requireOutput(name+".heads.300", "heads", func(s *mlx.Scope, x mlx.Array) mlx.Array {
				for _, other := range loaded {
					other.Layer.Forward(s, x, nn.At(300))
				}
				return loaded[name].Layer.Forward(s, x, nn.At(300))
			})
		}
	})
}

func TestRoPEOfNarrowInput(t *testing.T) {
	withReferenceOf(t, "rope", func(r *reference) {
		m := &rope{nn.RoPE{Dims: 32}}
		r.load(m, false)
		_, err := r.th.Build(func(s *mlx.Scope) mlx.Array { return m.Layer.Forward(s, r.arrays["in.heads"], nn.At(0)) })
		require.ErrorContains(t, err, "RoPE: [2 3 5 16] has no 32 features")
	})
}

func TestAttentionScaleEqualsReference(t *testing.T) {
	withReferenceOf(t, "rope", func(r *reference) {
		want, err := mlx.Values[float32](r.th, r.arrays["scales"])
		require.NoError(t, err)
		half := scaling(t, deepseek+`}`)
		half.Factor = 0.5
		for i, c := range []*nn.RopeScaling{nil, scaling(t, yarn+`}`), scaling(t, deepseek+`}`), half,
			scaling(t, strings.Replace(deepseek, "deepseek_yarn", "default", 1)+`}`)} {
			require.InEpsilon(t, want[i], c.AttentionScale(0.125), 1e-7, "%d", i)
		}
	})
}

// An attention_factor stands for what yarn and longrope compute.
func TestAttentionFactor(t *testing.T) {
	for name, mscale := range map[string]float64{"yarn": 0.1*math.Log(4) + 1, "longrope": math.Sqrt(1 + math.Log(4)/math.Log(64))} {
		layer := ropes(t)[name]
		layer.Scaling.AttentionFactor = 2 * mscale
		withReferenceOf(t, "rope", func(r *reference) {
			m := &rope{layer}
			r.load(m, false)
			r.requireOutput(name+".heads.7", "heads", func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return s.Multiply(m.Layer.Forward(s, x, nn.At(7)), s.Scalar(0.5, mlx.Float32))
			})
		})
	}
}

func TestRoPERefusesScaling(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "ntk", "factor": 2}`:                                  `is "ntk"; default, linear, dynamic, llama3, yarn`,
		`{"rope_type": "longest"}`:                                      `rope_scaling.rope_type is "longest"`,
		`{"type": "sum", "rope_type": "linear", "factor": 2}`:           `rope_scaling.rope_type is "sum"`,
		"{\"type\": \"\\u001b[31m\\n\"}":                                `rope_scaling.rope_type is "\u001b[31m\n"`,
		`{"type": "linear"}`:                                            `rope_scaling.factor is 0, want a positive number`,
		`{"type": "linear", "factor": -1}`:                              `rope_scaling.factor is -1, want a positive number`,
		`{"rope_type": "llama3", "low_freq_factor": 1, "factor": 0}`:    `rope_scaling.factor is 0, want a positive number`,
		llama3 + `, "low_freq_factor": -1}`:                             `rope_scaling.low_freq_factor is -1, want`,
		llama3 + `, "low_freq_factor": 4}`:                              `rope_scaling.low_freq_factor is 4, not below high_freq_factor 4`,
		llama3 + `, "original_max_position_embeddings": -8192}`:         `rope_scaling.original_max_position_embeddings is -8192, want`,
		`{"type": "yarn"}`:                                              `rope_scaling.factor is 0, want`,
		yarn + `, "beta_fast": -32}`:                                    `rope_scaling.beta_fast is -32, want`,
		yarn + `, "beta_slow": -1}`:                                     `rope_scaling.beta_slow is -1, want`,
		yarn + `, "mscale": -100}`:                                      `rope_scaling.mscale is -12.8`,
		yarn + `, "mscale_all_dim": -100}`:                              `rope_scaling.mscale_all_dim is -12.8`,
		yarn + `, "attention_factor": -1}`:                              `rope_scaling.attention_factor is -1, want`,
		longrope + `, "original_max_position_embeddings": 1}`:           `rope_scaling.original_max_position_embeddings is 1, want a number above 1`,
		longrope + `, "long_factor": [1, 2]}`:                           `rope_scaling.long_factor has 2 numbers for 8 pairs of features`,
		longrope + `, "short_factor": [1]}`:                             `rope_scaling.short_factor has 1 numbers for 8 pairs of features`,
		longrope + `, "long_factor": [1, 2, 3, 4, 5, 6, 7, 0]}`:         `rope_scaling.long_factor[7] is 0, want a positive number`,
		longrope + `, "attention_factor": -2}`:                          `rope_scaling.attention_factor is -2, want`,
		dynamic + `, "factor": -1}`:                                     `rope_scaling.factor is -1, want`,
		dynamic + "," + factors + `}`:                                   `rope_scaling.freq_factors cannot go with rope_type "dynamic"`,
		`{"type": "proportional", "factor": -1}`:                        `rope_scaling.factor is -1, want`,
		`{"type": "proportional", "partial_rotary_factor": 1.5}`:        `rope_scaling.partial_rotary_factor is 1.5, want`,
		`{"freq_factors": [1, 2]}`:                                      `rope_scaling.freq_factors has 2 numbers for 8 pairs of features`,
		`{"freq_factors": [1, 2, 3, 4, 5, 6, 7, -8]}`:                   `rope_scaling.freq_factors[7] is -8, want a positive number`,
		`{"rope_type": "mrope", "freq_factors": [0,0,0,0,0,0,0,0,0,0]}`: `rope_scaling.freq_factors has 10 numbers`,
	} {
		m := &rope{nn.RoPE{Dims: 16, Base: 10000, MaxPositions: 256, Scaling: scaling(t, text)}}
		require.ErrorContains(t, m.Layer.Validate(), want, text)
		withReference(t, func(r *reference) {
			err := nn.Load(t.Context(), r.th, m, checkpoint{}, nn.Policy{Dtype: mlx.Float32}, r.owner)
			require.ErrorContains(t, err, want, "Load validates too")
		})
	}
	for _, ok := range []string{`{}`, `{"rope_type": "default"}`, `{"type": "default", "factor": 0}`, `{"type": "mrope"}`} {
		require.NoError(t, (&nn.RoPE{Dims: 16, Scaling: scaling(t, ok)}).Validate())
	}
}

func TestRoPERefusesNumbers(t *testing.T) {
	for want, r := range map[string]nn.RoPE{
		"rope_scaling.factor is NaN, want":                                {Dims: 16, Scaling: &nn.RopeScaling{Type: "linear", Factor: math.NaN()}},
		"rope_scaling.factor is +Inf, want":                               {Dims: 16, Scaling: &nn.RopeScaling{Type: "dynamic", Factor: math.Inf(1)}, MaxPositions: 8},
		`max_position_embeddings is 0, but rope_scaling.rope_type "dyn`:   {Dims: 16, Scaling: &nn.RopeScaling{Type: "dynamic", Factor: 2}},
		`max_position_embeddings is -1, but rope_scaling.rope_type "long`: {Dims: 16, Scaling: &nn.RopeScaling{Type: "longrope"}, MaxPositions: -1},
		"rope_theta is NaN, want a positive number":                       {Dims: 16, Base: math.NaN()},
		"rope_theta is -10000, want a positive number":                    {Dims: 16, Base: -10000},
		"give 0 features to turn, want an even number":                    {},
		"give 15 features to turn, want an even number":                   {Dims: 15},
	} {
		require.ErrorContains(t, r.Validate(), want)
	}
}
