package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// cudaLimit bounds the download of NVIDIA's libraries.
var cudaLimit = 2 * time.Hour

// placeMLX puts MLX into the folder mlx and returns it. The wheel's layout is
// kept: its libraries find each other by it.
func (o *Options) placeMLX(ctx context.Context, tmp string) (string, error) {
	root := filepath.Join(tmp, "mlx")
	if o.MLXRoot != "" {
		if err := os.Symlink(o.MLXRoot, root); err != nil {
			return "", fmt.Errorf("setup: %w", err)
		}
		return root, nil
	}
	w, ok := native.FindWheel(o.Backend, o.platform)
	if !ok {
		return "", fmt.Errorf("setup: MLX %s has no %s build for %s", native.MLXVersion, o.Backend, o.platform)
	}
	wheel, err := fetch.Wheel(ctx, w, o.Out)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(o.Backend, "cuda") {
		return root, o.placeCUDA(ctx, tmp, wheel)
	}
	libs := strings.ReplaceAll(w.Package, "-", "_") + ".libs/"
	return root, fetch.Unzip(ctx, wheel, tmp, func(name string) string {
		if strings.HasPrefix(name, "mlx/") || strings.HasPrefix(name, libs) {
			return name
		}
		return ""
	})
}

// placeCUDA installs the wheel together with the NVIDIA libraries that it asks
// for, where the library's own search path looks: nvidia/ beside mlx/. They are
// several gigabytes.
func (o *Options) placeCUDA(ctx context.Context, tmp, wheel string) error {
	o.say("installing the CUDA libraries that MLX needs (several gigabytes)")
	c := tool{limit: cudaLimit, dir: filepath.Join(tmp, workFolder), watch: func(line string) { o.say("%s", line) }}
	err := c.run(ctx, "python3", "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off",
		"--only-binary=:all:", "--target", tmp, wheel)
	if err != nil {
		return fmt.Errorf("setup: CUDA libraries: %w", err)
	}
	return nil
}

// placeOpenBLAS unpacks OpenBLAS beside mlx-c. A Mac has Accelerate and needs
// none, and an MLX that was named comes with a BLAS of its maker's choice.
func (o *Options) placeOpenBLAS(ctx context.Context, tmp string) (string, error) {
	w, ok := native.FindWheel("blas", o.platform)
	if !ok || o.MLXRoot != "" {
		return "", nil
	}
	wheel, err := fetch.Wheel(ctx, w, o.Out)
	if err != nil {
		return "", err
	}
	const name = "libscipy_openblas.so"
	path := filepath.Join(tmp, "lib", name)
	return path, fetch.UnzipFile(ctx, wheel, "scipy_openblas32/lib/"+name, path)
}
