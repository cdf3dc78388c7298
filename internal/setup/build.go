package setup

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"forge.lthn.ai/core/go-mlx/native"
)

// build compiles mlx-c and the BLAS forwarding and installs them into tmp.
func (o *Options) build(ctx context.Context, tmp, mlxRoot, source, openblas string) error {
	work, err := os.MkdirTemp("", "go-mlx-build-")
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	defer os.RemoveAll(work)
	if err := writeSources(filepath.Join(work, "native")); err != nil {
		return err
	}
	args := []string{"-S", "native", "-B", "build",
		"-DMLX_C_SOURCE_DIR=" + source, "-DMLX_ROOT=" + mlxRoot, "-DCMAKE_PREFIX_PATH=" + mlxRoot,
		"-DCMAKE_INSTALL_PREFIX=" + tmp, "-DCMAKE_BUILD_TYPE=Release"}
	if openblas != "" {
		args = append(args, "-DOPENBLAS_LIBRARY="+openblas)
	}
	if _, err := exec.LookPath("ninja"); err == nil {
		args = append(args, "-G", "Ninja")
	}
	fmt.Fprintln(o.Out, "compiling mlx-c, about a minute")
	began := time.Now()
	if err := command(ctx, 5*time.Minute, work, nil, "cmake", args...); err != nil {
		return fmt.Errorf("setup: configuring mlx-c: %w", err)
	}
	show := showSteps(o.Out, "compiling mlx-c")
	if err := command(ctx, 30*time.Minute, work, show, "cmake", "--build", "build", "--parallel", fmt.Sprint(runtime.NumCPU())); err != nil {
		return fmt.Errorf("setup: compiling mlx-c: %w", err)
	}
	if err := command(ctx, time.Minute, work, nil, "cmake", "--install", "build"); err != nil {
		return fmt.Errorf("setup: installing mlx-c: %w", err)
	}
	fmt.Fprintf(o.Out, "compiled mlx-c in %.0f s\n", time.Since(began).Seconds())
	return nil
}

// writeSources unpacks the build files that the program carries.
func writeSources(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return fs.WalkDir(native.Sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := native.Sources.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), data, 0o644)
	})
}

// placeCUDA installs the NVIDIA libraries that MLX's CUDA build needs, as its
// wheel asks for them, where the library's own search path looks: nvidia/
// beside mlx/. They are several gigabytes.
func (o *Options) placeCUDA(ctx context.Context, tmp, wheel string) error {
	fmt.Fprintln(o.Out, "installing the CUDA libraries that MLX needs (several gigabytes)")
	show := func(line string) { fmt.Fprintln(o.Out, line) }
	err := command(ctx, 2*time.Hour, tmp, show, "python3", "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off",
		"--only-binary=:all:", "--target", tmp, wheel)
	if err != nil {
		return fmt.Errorf("setup: CUDA libraries: %w", err)
	}
	return nil
}
