package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// quantConfig is what config.json says of packed weights: MLX's block
// "quantization" with a default and layers that differ, or a block
// "quantization_config" of another packer.
type quantConfig struct {
	all    nn.Quantisation
	layers map[string]nn.Quantisation
	block  string // the field that says so
	packer packer
}

// packer is quantization_config of other tools than MLX.
type packer struct {
	Method           string `json:"quant_method"`
	Bits             int    `json:"bits"`
	GroupSize        int    `json:"group_size"` // -1 is the whole row
	Version          string `json:"version"`    // of awq
	CheckpointFormat string `json:"checkpoint_format"`
	BlockSize        []int  `json:"weight_block_size"`
	Sym              *bool  `json:"sym"`
}

// format finds the weights of one way to pack among the stored tensors: it takes
// their parts out and puts each weight under the name that it has when dense.
type format struct {
	check   func(p *packer) error // refuses settings, before a file is opened
	collect func(p *packer, stored storedTensors, found map[string]nn.Tensor)
}

// formats maps quantization_config.quant_method to how its weights are read.
// Weights that MLX packed are found beside any of them.
var formats = map[string]format{
	"awq":   {checkAWQ, collectAWQ},
	"fp8":   {checkFP8, collectFP8},
	"gptq":  {checkGPTQ, collectGPTQ},
	"mxfp4": {checkNothing, collectBlocks},
	"mxfp8": {checkNothing, collectNothing},
}

func checkNothing(*packer) error { return nil }

func collectNothing(*packer, storedTensors, map[string]nn.Tensor) {}

// collect makes weights of the stored tensors; what belongs to none is one by
// itself.
func (c *quantConfig) collect(stored storedTensors) (map[string]nn.Tensor, error) {
	found := map[string]nn.Tensor{}
	if f, ok := formats[c.packer.Method]; ok {
		f.collect(&c.packer, stored, found)
	}
	c.collectMLX(stored, found)
	for name, t := range stored {
		if _, twice := found[name]; twice {
			return nil, t.errorf("is stored both packed and dense")
		}
		found[name] = denseTensor{t}
	}
	return found, nil
}

// of is how the configuration has the weight of a layer packed; as far as MLX's
// layouts say it, for other packers.
func (c *quantConfig) of(layer string) nn.Quantisation {
	if q, ok := c.layers[layer]; ok {
		return q
	}
	switch c.packer.Method {
	case "gptq", "awq":
		size := c.packer.GroupSize
		if size < 0 || size > 128 { // MLX has groups of up to 128
			size = 128
		}
		return nn.Quantisation{GroupSize: size, Bits: c.packer.Bits, Mode: "affine"}
	case "fp8":
		return nn.Quantisation{GroupSize: 128, Bits: 8, Mode: "fp8"} // blocks of 128 x 128, no mode of MLX's
	case "mxfp4":
		if !strings.Contains(layer, "mlp.") { // the experts alone
			return nn.Quantisation{}
		}
		return nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "mxfp4"}
	}
	return c.all
}

// fieldOf names the field that tells how a layer is packed.
func (c *quantConfig) fieldOf(layer string) string {
	if _, ok := c.layers[layer]; !ok && c.all.Bits > 0 {
		return orElse(c.block, "quantization")
	}
	return orElse(c.block, "quantization") + "." + layer
}

// readQuantConfig reads the blocks of config.json, or of its text_config. MLX's
// goes first, as in mlx-lm, which writes the same settings under both names.
func readQuantConfig(data []byte) (quantConfig, error) {
	type blocks struct {
		MLX   map[string]json.RawMessage `json:"quantization"`
		Other map[string]json.RawMessage `json:"quantization_config"`
	}
	var config struct {
		blocks
		Text *blocks `json:"text_config"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return quantConfig{}, configError(err)
	}
	prefix := ""
	if config.MLX == nil && config.Other == nil && config.Text != nil {
		config.blocks, prefix = *config.Text, "text_config."
	}
	switch {
	case config.MLX != nil:
		return readMLXQuant(prefix+"quantization", config.MLX)
	case config.Other == nil:
		return quantConfig{}, nil
	}
	field := prefix + "quantization_config"
	if _, named := config.Other["quant_method"]; !named {
		return readMLXQuant(field, config.Other)
	}
	return readPacker(field, config.Other)
}

// readMLXQuant reads a default, and layers with settings of their own. A layer
// may be false, which is dense.
func readMLXQuant(field string, block map[string]json.RawMessage) (c quantConfig, err error) {
	c = quantConfig{layers: map[string]nn.Quantisation{}, block: field}
	raw, err := json.Marshal(block)
	if err != nil {
		return c, err
	}
	if c.all, err = readQuantisation(field, raw); err != nil {
		return c, err
	}
	for name, raw := range block {
		switch {
		case string(raw) == "false":
			c.layers[name] = nn.Quantisation{}
			continue
		case len(raw) == 0 || raw[0] != '{':
			continue
		}
		if c.layers[name], err = readQuantisation(field+"."+name, raw); err != nil {
			return c, err
		}
		if plain, keep := textTensor(name); keep { // as the language model calls it
			c.layers[plain] = c.layers[name]
		}
	}
	return c, nil
}

// widths are the bits and group sizes that MLX's affine kernels have.
var (
	bitWidths  = []int{2, 3, 4, 5, 6, 8}
	groupSizes = []int{32, 64, 128}
)

// readQuantisation fills in mlx.nn's defaults for the mode.
func readQuantisation(field string, raw []byte) (nn.Quantisation, error) {
	var q struct {
		GroupSize int    `json:"group_size"`
		Bits      int    `json:"bits"`
		Mode      string `json:"mode"`
	}
	if err := json.Unmarshal(raw, &q); err != nil {
		return nn.Quantisation{}, fmt.Errorf("%s: %w", field, configError(err))
	}
	out, err := nn.Quantisation{GroupSize: q.GroupSize, Bits: q.Bits, Mode: q.Mode}.Defaults()
	if err != nil {
		return out, fieldError(field+".mode", "%q is none of affine, mxfp4, mxfp8 and nvfp4", q.Mode)
	}
	if out.Check() != nil {
		return out, fieldError(field, "%d bits in groups of %d are not among MLX's for mode %q", out.Bits, out.GroupSize, out.Mode)
	}
	return out, nil
}

// readPacker reads the block of another packer than MLX.
func readPacker(field string, block map[string]json.RawMessage) (quantConfig, error) {
	c := quantConfig{block: field}
	raw, err := json.Marshal(block)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c.packer); err != nil {
		return c, fmt.Errorf("%s: %w", field, configError(err))
	}
	f, ok := formats[c.packer.Method]
	if !ok {
		return c, fieldError(field+".quant_method", "%q is none of %s", c.packer.Method, strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
	}
	if err := f.check(&c.packer); err != nil {
		return c, fmt.Errorf("%s.%w", field, err)
	}
	return c, nil
}
