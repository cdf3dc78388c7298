package train

import "os"

// aheadVariable is read by MLX's CUDA backend when a GPU is first used.
const aheadVariable = "MLX_MAX_MB_PER_BUFFER"

// LimitAhead lets MLX queue less work on an NVIDIA GPU before it waits: it launches
// operations in bundles, keeps up to ten of them in flight, and what those read is
// not freed before they end. With MLX's bundles of 1,000 MB that is half as much
// memory again as a step needs; with the 140 MB that LimitAhead asks for it is little,
// and a step takes next to no longer. It sets an environment variable, MLX_MAX_MB_PER_BUFFER, where it is not
// set: call it before MLX is first used, and not in a program that generates
// with large models too, whose steps launch few and large operations. `mlx train` calls it.
func LimitAhead() error {
	if _, ok := os.LookupEnv(aheadVariable); ok {
		return nil
	}
	return os.Setenv(aheadVariable, "140")
}
