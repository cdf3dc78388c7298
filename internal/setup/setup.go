// Package setup puts MLX's native libraries in place: libmlx from the pinned
// wheel, mlx-c compiled against it, and the library that sends MLX's BLAS calls
// to OpenBLAS.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// Options say what to install and where.
type Options struct {
	// Backend is cpu, cuda, cuda12 or metal; "" is metal on a Mac and cpu elsewhere.
	Backend string
	// Prefix is the folder to install into; "" is the one in the user cache that
	// the loader searches.
	Prefix string
	// MLXRoot is an MLX that is installed already, instead of the wheel.
	MLXRoot string
	// MLXCSource is a folder with mlx-c's source, instead of fetching it.
	MLXCSource string
	// Force installs even if everything is there.
	Force bool
	// Out takes the progress.
	Out io.Writer
}

// completeFile is written last: without it, or with another content, an
// installation is not whole.
const completeFile = "complete"

// DefaultBackend is the backend for this system.
func DefaultBackend() string {
	if runtime.GOOS == "darwin" {
		return "metal"
	}
	return "cpu"
}

// DefaultPrefix is where the loader finds a backend without being told.
func DefaultPrefix(backend string) (string, error) {
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "native", native.MLXVersion+"-"+strings.TrimSuffix(backend, "12")), nil
}

// Install installs the libraries and returns the folder. A second call with the
// same pins does nothing; one that was interrupted leaves the installation as
// it was.
func Install(ctx context.Context, o Options) (string, error) {
	if err := o.complete(); err != nil {
		return "", err
	}
	unlock, err := fetch.Lock(ctx, o.Prefix)
	if err != nil {
		return "", err
	}
	defer unlock()
	if !o.Force && o.installed() {
		fmt.Fprintf(o.Out, "MLX %s (%s) is in place: %s\n", native.MLXVersion, o.Backend, o.Prefix)
		return o.Prefix, nil
	}
	began := time.Now()
	if err := checkTools(); err != nil {
		return "", err
	}
	tmp := o.Prefix + ".partial"
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := o.install(ctx, tmp); err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(o.Prefix), os.Rename(tmp, o.Prefix)); err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	fmt.Fprintf(o.Out, "MLX %s (%s) installed in %s in %.0f s\n", native.MLXVersion, o.Backend, o.Prefix, time.Since(began).Seconds())
	return o.Prefix, nil
}

// complete fills in the defaults.
func (o *Options) complete() error {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Backend == "" {
		o.Backend = DefaultBackend()
	}
	if o.Prefix == "" {
		var err error
		if o.Prefix, err = DefaultPrefix(o.Backend); err != nil {
			return err
		}
	}
	abs, err := filepath.Abs(o.Prefix)
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	o.Prefix = abs
	if _, ok := native.FindWheel(o.Backend, platform()); !ok && o.MLXRoot == "" {
		return fmt.Errorf("setup: MLX %s has no %s build for %s", native.MLXVersion, o.Backend, platform())
	}
	return nil
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// stamp is what completeFile must hold for these options.
func (o *Options) stamp() string {
	return fmt.Sprintf("mlx %s\nmlx-c %s %s\nbackend %s\nlayout 1\n", native.MLXVersion, native.MLXCVersion, native.MLXCCommit, o.Backend)
}

func (o *Options) installed() bool {
	have, err := os.ReadFile(filepath.Join(o.Prefix, completeFile))
	return err == nil && string(have) == o.stamp()
}

// install does the work in tmp, the prefix to be.
func (o *Options) install(ctx context.Context, tmp string) error {
	root, err := o.placeMLX(ctx, tmp)
	if err != nil {
		return err
	}
	openblas, err := o.placeOpenBLAS(ctx, tmp)
	if err != nil {
		return err
	}
	source, err := o.mlxcSource(ctx)
	if err != nil {
		return err
	}
	if err := o.build(ctx, tmp, root, source, openblas); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, completeFile), []byte(o.stamp()), 0o644); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}

// placeMLX unpacks the wheel's MLX and returns its folder. The wheel's layout
// is kept: its libraries find each other by it.
func (o *Options) placeMLX(ctx context.Context, tmp string) (string, error) {
	if o.MLXRoot != "" {
		return o.MLXRoot, nil
	}
	w, _ := native.FindWheel(o.Backend, platform())
	wheel, err := fetch.Wheel(ctx, w, o.Out)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(o.Backend, "cuda") {
		if err := o.placeCUDA(ctx, tmp, wheel); err != nil {
			return "", err
		}
	}
	libs := strings.ReplaceAll(w.Package, "-", "_") + ".libs/"
	err = fetch.Unzip(ctx, wheel, tmp, func(name string) string {
		if strings.HasPrefix(name, "mlx/") || strings.HasPrefix(name, libs) {
			return name
		}
		return ""
	})
	return filepath.Join(tmp, "mlx"), err
}

// placeOpenBLAS unpacks OpenBLAS beside mlx-c. A Mac has Accelerate and needs
// none.
func (o *Options) placeOpenBLAS(ctx context.Context, tmp string) (string, error) {
	w, ok := native.FindWheel("blas", platform())
	if !ok || o.MLXRoot != "" {
		return "", nil
	}
	wheel, err := fetch.Wheel(ctx, w, o.Out)
	if err != nil {
		return "", err
	}
	const inWheel, name = "scipy_openblas32/lib/libscipy_openblas.so", "lib/libscipy_openblas.so"
	err = fetch.Unzip(ctx, wheel, tmp, func(n string) string {
		if n == inWheel {
			return name
		}
		return ""
	})
	return filepath.Join(tmp, name), err
}
