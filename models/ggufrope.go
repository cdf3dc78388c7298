package models

import (
	"fmt"
	"math"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// Tensors that hold what config.json says of positions: numbers by which the
// wavelength of each pair is multiplied.
const (
	ggufRopeFreqs = "rope_freqs.weight"
	ggufRopeLong  = "rope_factors_long.weight"
	ggufRopeShort = "rope_factors_short.weight"
)

// ropeScaling writes rope_scaling.
func (c *ggufConfig) ropeScaling() error {
	scaling, err := c.ropeKind()
	if err != nil {
		return err
	}
	freqs, err := c.factors(ggufRopeFreqs)
	if err != nil {
		return err
	}
	if freqs != nil {
		if scaling == nil {
			scaling = map[string]any{"rope_type": "default"}
		}
		scaling["freq_factors"] = freqs
	}
	if scaling != nil {
		c.fields["rope_scaling"] = scaling
	}
	return nil
}

// ropeKind is the scaling that the metadata name, nil where there is none.
func (c *ggufConfig) ropeKind() (map[string]any, error) {
	long, err := c.factors(ggufRopeLong)
	if err != nil {
		return nil, err
	}
	if long != nil {
		return c.longRope(long)
	}
	kind, err := optional(c.file.String(c.key("%s.rope.scaling.type")))
	if err != nil {
		return nil, err
	}
	switch kind {
	case "", "none":
		return nil, nil
	case "linear":
		return c.linearRope()
	case "yarn":
		return c.yarn()
	}
	return nil, fmt.Errorf("%s: %s: %q is not supported; none, linear, yarn, and longrope with its factors are", c.file.Name(), c.key("%s.rope.scaling.type"), kind)
}

func (c *ggufConfig) linearRope() (map[string]any, error) {
	factor, err := c.file.Float(c.key("%s.rope.scaling.factor"))
	if err != nil || factor == 0 || factor == 1 { // both mean none
		return nil, err
	}
	return map[string]any{"rope_type": "linear", "factor": factor}, nil
}

// yarn leaves the defaults of what the file does not say to the model. attn_factor
// multiplies the usual attention factor.
func (c *ggufConfig) yarn() (map[string]any, error) {
	factor, err := c.file.Float(c.key("%s.rope.scaling.factor"))
	if err != nil {
		return nil, err
	}
	context, err := c.optionalInt("%s.rope.scaling.original_context_length")
	if err != nil {
		return nil, err
	}
	scaling := map[string]any{
		"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": orElse(context, c.int("max_position_embeddings")),
	}
	for field, key := range map[string]string{
		"beta_fast": "%s.rope.scaling.yarn_beta_fast", "beta_slow": "%s.rope.scaling.yarn_beta_slow", "attention_factor": "%s.rope.scaling.attn_factor",
	} {
		v, err := c.optionalFloat(key)
		if err != nil {
			return nil, err
		}
		if v != 0 {
			scaling[field] = v
		}
	}
	if v, ok := scaling["attention_factor"].(float64); ok {
		scaling["attention_factor"] = v * (0.1*math.Log(max(factor, 1)) + 1)
	}
	if c.arch == "gpt-oss" {
		scaling["truncate"] = false
	}
	return scaling, nil
}

// longRope reads the scaling of phi3's long models. The attention factor, which
// the file has too, follows from the lengths of context.
func (c *ggufConfig) longRope(long []float32) (map[string]any, error) {
	short, err := c.factors(ggufRopeShort)
	if err != nil {
		return nil, err
	}
	if short == nil {
		return nil, fmt.Errorf("%s: tensor %s is missing beside %s", c.file.Name(), ggufRopeShort, ggufRopeLong)
	}
	context, err := c.file.Int(c.key("%s.rope.scaling.original_context_length"))
	if err != nil {
		return nil, err
	}
	c.fields["original_max_position_embeddings"] = context
	return map[string]any{
		"rope_type": "longrope", "long_factor": long, "short_factor": short, "original_max_position_embeddings": context,
	}, nil
}

// factors reads one of the tensors above, nil where the file has none.
func (c *ggufConfig) factors(name string) ([]float32, error) {
	info, ok := c.file.Tensor(name)
	if !ok {
		return nil, nil
	}
	if len(info.Shape) != 1 || info.Shape[0] < 1 || int64(info.Shape[0]) > c.headDim()/2 || info.Type != gguf.TypeF32 {
		return nil, fmt.Errorf("%s: tensor %s: %s %v is no factor for each pair of %d features", c.file.Name(), name, info.Type, info.Shape, c.headDim())
	}
	data, err := c.file.Data(info)
	if err != nil {
		return nil, err
	}
	values := make([]float32, info.Shape[0])
	if err := quant.Dequantize(info, data, values); err != nil {
		return nil, fmt.Errorf("%s: %w", c.file.Name(), err)
	}
	for i, v := range values {
		if !(v > 0) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%s: tensor %s: factor %d is %g, want a positive number", c.file.Name(), name, i, v)
		}
	}
	return values, nil
}
