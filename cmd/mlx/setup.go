package main

import (
	"encoding/json"

	"forge.lthn.ai/core/go-mlx/internal/setup"
	"forge.lthn.ai/core/go-mlx/native"
)

type setupCmd struct {
	Backend    string `help:"cpu, cuda, cuda12 or metal; the default is this system's." enum:",cpu,cuda,cuda12,metal" default:""`
	Prefix     string `help:"Folder to install into; the default is one that is found without being told." type:"path"`
	MLXRoot    string `name:"mlx-root" help:"Use the MLX installed there instead of the pinned wheel." type:"existingdir"`
	MLXCSource string `name:"mlx-c-source" help:"Use the mlx-c source there instead of fetching it." type:"existingdir"`
	Force      bool   `help:"Install even if everything is in place."`
	JSON       bool   `help:"Print one line of JSON when all is in place; progress goes to the standard error."`
	Quiet      bool   `short:"q" help:"Show no progress."`
}

// installation is what --json prints.
type installation struct {
	Backend string `json:"backend"`
	Prefix  string `json:"prefix"`
	MLX     string `json:"mlx"`
	MLXC    string `json:"mlx_c"`
}

// Run installs the libraries.
func (s *setupCmd) Run(c *console) error {
	prefix, err := setup.Install(c.ctx, setup.Options{
		Backend: s.Backend, Prefix: s.Prefix, MLXRoot: s.MLXRoot, MLXCSource: s.MLXCSource, Force: s.Force, Out: c.silent(s.Quiet).err,
	})
	if err != nil || !s.JSON {
		return err
	}
	backend := s.Backend
	if backend == "" {
		backend = setup.DefaultBackend()
	}
	return json.NewEncoder(c.out).Encode(installation{backend, prefix, native.MLXVersion, native.MLXCVersion})
}
