package main

import (
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// weightFlags say how a model's weights are kept.
type weightFlags struct {
	Weights string `enum:"auto,packed,dense" default:"auto" help:"Keep quantised weights packed or unpack them (auto, packed, dense)."`
	Dtype   string `enum:",float32,float16,bfloat16" default:"" help:"Type to compute in; the default depends on the device."`
}

var dtypeNames = map[string]mlx.Dtype{"float32": mlx.Float32, "float16": mlx.Float16, "bfloat16": mlx.BFloat16}

func (f weightFlags) options() []models.Option {
	opts := []models.Option{models.WithWeights(models.WeightForm(f.Weights))}
	if d, ok := dtypeNames[f.Dtype]; ok {
		opts = append(opts, models.WithDtype(d))
	}
	return opts
}
