package models

import (
	"encoding/json"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// quantConfig is config.json's quantization: a default, and layers that differ.
type quantConfig struct {
	all    nn.Quantisation
	layers map[string]nn.Quantisation
}

// of is how the layer of that name is quantised.
func (c quantConfig) of(layer string) nn.Quantisation {
	if q, ok := c.layers[layer]; ok {
		return q
	}
	return c.all
}

// readQuantConfig reads the block "quantization", whose keys beside the default
// are layer names with settings of their own, or false for a dense layer.
func readQuantConfig(data []byte) (quantConfig, error) {
	var outer struct {
		Quantization map[string]json.RawMessage `json:"quantization"`
	}
	c := quantConfig{layers: map[string]nn.Quantisation{}}
	if err := json.Unmarshal(data, &outer); err != nil {
		return c, configError(err)
	}
	if outer.Quantization == nil {
		return c, nil
	}
	block, err := json.Marshal(outer.Quantization)
	if err != nil {
		return c, err
	}
	if c.all, err = readQuantisation("quantization", block, nn.Quantisation{Mode: "affine"}); err != nil {
		return c, err
	}
	for name, raw := range outer.Quantization {
		if len(raw) == 0 || raw[0] != '{' {
			continue
		}
		if c.layers[name], err = readQuantisation("quantization."+name, raw, c.all); err != nil {
			return c, err
		}
	}
	return c, nil
}

// widths are the bits and group sizes that MLX's affine kernels have.
var (
	bitWidths  = map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 8: true}
	groupSizes = map[int]bool{32: true, 64: true, 128: true}
)

func readQuantisation(field string, raw []byte, def nn.Quantisation) (nn.Quantisation, error) {
	q := struct {
		GroupSize int    `json:"group_size"`
		Bits      int    `json:"bits"`
		Mode      string `json:"mode"`
	}{def.GroupSize, def.Bits, def.Mode}
	if err := json.Unmarshal(raw, &q); err != nil {
		return def, fmt.Errorf("%s: %w", field, configError(err))
	}
	if q.Mode == "affine" && (!bitWidths[q.Bits] || !groupSizes[q.GroupSize]) {
		return def, fieldError(field, "%d bits in groups of %d are not among MLX's", q.Bits, q.GroupSize)
	}
	return nn.Quantisation{GroupSize: q.GroupSize, Bits: q.Bits, Mode: q.Mode}, nil
}
