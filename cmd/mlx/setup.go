package main

import (
	"forge.lthn.ai/core/go-mlx/internal/setup"
)

type setupCmd struct {
	Backend    string `help:"cpu, cuda, cuda12 or metal; the default is this system's." enum:",cpu,cuda,cuda12,metal" default:""`
	Prefix     string `help:"Folder to install into; the default is one that is found without being told." type:"path"`
	MLXRoot    string `name:"mlx-root" help:"Use the MLX installed there instead of the pinned wheel." type:"existingdir"`
	MLXCSource string `name:"mlx-c-source" help:"Use the mlx-c source there instead of fetching it." type:"existingdir"`
	Force      bool   `help:"Install even if everything is in place."`
}

func (s *setupCmd) Run(c *console) error {
	_, err := setup.Install(c.ctx, setup.Options{
		Backend: s.Backend, Prefix: s.Prefix, MLXRoot: s.MLXRoot, MLXCSource: s.MLXCSource, Force: s.Force, Out: c.err,
	})
	return err
}
