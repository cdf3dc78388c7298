package models

import (
	"encoding/json"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// ropeConfig is what config.json says of positions: rope_theta and rope_scaling,
// or rope_parameters as newer files have it, one or one for each of layer_types.
type ropeConfig struct {
	RopeTheta             float64         `json:"rope_theta"`
	RopeScaling           *nn.RopeScaling `json:"rope_scaling"`
	RopeParameters        ropeParameters  `json:"rope_parameters"`
	RopeTraditional       bool            `json:"rope_traditional"`
	PartialRotaryFactor   float64         `json:"partial_rotary_factor"`
	MaxPositionEmbeddings int             `json:"max_position_embeddings"`
	// Where Phi-3 says it; elsewhere it stands in the scaling.
	OriginalMaxPositionEmbeddings float64 `json:"original_max_position_embeddings"`
}

// ropeParameters are settings by layer type; those of "" are for all.
type ropeParameters map[string]*ropeSettings

// ropeSettings are the scaling and, beside it, what used to stand in the
// configuration itself.
type ropeSettings struct {
	nn.RopeScaling
	RopeTheta         float64 `json:"rope_theta"`
	Llama4ScalingBeta float64 `json:"llama_4_scaling_beta"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *ropeParameters) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return err
	}
	*p = ropeParameters{}
	nested := false
	for name, raw := range fields {
		if len(raw) == 0 || raw[0] != '{' {
			continue
		}
		nested = true
		var s ropeSettings
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		(*p)[name] = &s
	}
	if nested {
		return nil
	}
	var s ropeSettings
	(*p)[""] = &s
	return json.Unmarshal(data, &s)
}

// rope makes the layer for heads of that many features in layers of that type.
// What rope_parameters says goes before the older fields; theta is the default.
func (c *ropeConfig) rope(layerType string, headDim int, theta float64) nn.RoPE {
	scaling, base, partial := c.RopeScaling, c.RopeTheta, c.PartialRotaryFactor
	settings, ok := c.RopeParameters[layerType]
	if !ok {
		settings = c.RopeParameters[""]
	}
	if settings != nil {
		scaling = &settings.RopeScaling
		base, partial = orElse(settings.RopeTheta, base), orElse(settings.PartialRotaryFactor, partial)
	}
	out := nn.RoPE{Dims: headDim, Base: orElse(base, theta), Traditional: c.RopeTraditional, MaxPositions: c.MaxPositionEmbeddings}
	if scaling != nil {
		own := *scaling
		own.OriginalMaxPositionEmbeddings = orElse(own.OriginalMaxPositionEmbeddings, c.OriginalMaxPositionEmbeddings)
		own.PartialRotaryFactor = partial
		out.Scaling = &own
	}
	if scaling.Kind() != "proportional" { // which turns all features, a part of them by nothing
		out.Dims = partOf(headDim, orElse(partial, 1))
	}
	return out
}

// partOf is how many of the features are turned; none, which nn refuses, where
// partial is no part.
func partOf(headDim int, partial float64) int {
	if !(partial > 0 && partial <= 1) {
		return 0
	}
	return int(float64(headDim) * partial)
}
