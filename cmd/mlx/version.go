package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"forge.lthn.ai/core/go-mlx/native"
)

type versionCmd struct {
	JSON bool `help:"Print one line of JSON."`
}

// Run prints the program's version and those that it was built for.
func (v *versionCmd) Run(c *console) error {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	if v.JSON {
		return json.NewEncoder(c.out).Encode(map[string]string{"version": version, "mlx": native.MLXVersion, "mlx_c": native.MLXCVersion})
	}
	_, err := fmt.Fprintf(c.out, "mlx %s, for MLX %s and mlx-c %s\n", version, native.MLXVersion, native.MLXCVersion)
	return err
}
