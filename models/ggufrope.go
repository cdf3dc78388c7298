package models

import (
	"errors"
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
	freqs, err := c.factors(ggufRopeFreqs)
	if err != nil {
		return err
	}
	long, err := c.factors(ggufRopeLong)
	if err != nil {
		return err
	}
	kind, err := optional(c.file.String(c.key("%s.rope.scaling.type")))
	if err != nil {
		return err
	}
	switch {
	case freqs != nil:
		c.fields["rope_scaling"] = map[string]any{"rope_type": "factors", "freq_factors": freqs}
		return nil
	case long != nil:
		return c.longRope(long)
	}
	switch kind {
	case "", "none":
		return nil
	case "linear":
		return c.linearRope()
	case "yarn":
		return c.yarn()
	}
	return fmt.Errorf("%s: %s: %q is not supported; none, linear, longrope and yarn are", c.file.Name(), c.key("%s.rope.scaling.type"), kind)
}

func (c *ggufConfig) linearRope() error {
	factor, err := c.file.Float(c.key("%s.rope.scaling.factor"))
	if err != nil {
		return err
	}
	if factor != 0 && factor != 1 { // both mean none
		c.fields["rope_scaling"] = map[string]any{"rope_type": "linear", "factor": factor}
	}
	return nil
}

// yarn leaves the defaults of what the file does not say to the model: 32 and 1.
// attn_factor multiplies the usual attention factor.
func (c *ggufConfig) yarn() error {
	factor, err := c.file.Float(c.key("%s.rope.scaling.factor"))
	if err != nil {
		return err
	}
	context, err := c.file.Int(c.key("%s.rope.scaling.original_context_length"))
	if errors.Is(err, gguf.ErrNotFound) {
		context, err = c.int("max_position_embeddings"), nil
	}
	if err != nil {
		return err
	}
	scaling := map[string]any{"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": context}
	for field, key := range map[string]string{
		"beta_fast": "%s.rope.scaling.yarn_beta_fast", "beta_slow": "%s.rope.scaling.yarn_beta_slow", "attention_factor": "%s.rope.scaling.attn_factor",
	} {
		v, err := c.optionalFloat(key)
		if err != nil {
			return err
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
	c.fields["rope_scaling"] = scaling
	return nil
}

// longRope reads the scaling of phi3's long models. The attention factor, which
// the file has too, follows from the lengths of context.
func (c *ggufConfig) longRope(long []float32) error {
	short, err := c.factors(ggufRopeShort)
	if err != nil {
		return err
	}
	if short == nil {
		return fmt.Errorf("%s: tensor %s is missing beside %s", c.file.Name(), ggufRopeShort, ggufRopeLong)
	}
	context, err := c.file.Int(c.key("%s.rope.scaling.original_context_length"))
	if err != nil {
		return err
	}
	c.fields["original_max_position_embeddings"] = context
	c.fields["rope_scaling"] = map[string]any{
		"rope_type": "longrope", "long_factor": long, "short_factor": short, "original_max_position_embeddings": context,
	}
	return nil
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
