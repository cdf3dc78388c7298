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

// Bounds of the build's steps; a slow machine compiles mlx-c in minutes.
var (
	configureLimit = 5 * time.Minute
	compileLimit   = 30 * time.Minute
	installLimit   = time.Minute
)

// build compiles mlx-c, the BLAS forwarding and our own kernels for a CPU, and
// installs them into tmp.
func (o *Options) build(ctx context.Context, tmp, mlxRoot, source, openblas string) error {
	work := filepath.Join(tmp, workFolder)
	if err := writeSources(filepath.Join(work, "native")); err != nil {
		return err
	}
	args := []string{"-S", "native", "-B", "build",
		"-DMLX_C_SOURCE_DIR=" + source, "-DMLX_ROOT=" + mlxRoot,
		"-DCMAKE_INSTALL_PREFIX=" + tmp, "-DCMAKE_BUILD_TYPE=Release"}
	if openblas != "" {
		args = append(args, "-DOPENBLAS_LIBRARY="+openblas)
	}
	if _, err := exec.LookPath("ninja"); err == nil {
		args = append(args, "-G", "Ninja")
	}
	o.say("compiling mlx-c and our own kernels, four to five minutes on two cores")
	began := time.Now()
	steps := []struct {
		what string
		tool tool
		args []string
	}{
		{"configuring", tool{limit: configureLimit, dir: work}, args},
		{"compiling", tool{limit: compileLimit, dir: work, watch: o.showSteps("compiling mlx-c")},
			[]string{"--build", "build", "--parallel", fmt.Sprint(runtime.NumCPU())}},
		{"installing", tool{limit: installLimit, dir: work}, []string{"--install", "build"}},
	}
	for _, s := range steps {
		if err := s.tool.run(ctx, "cmake", s.args...); err != nil {
			return fmt.Errorf("setup: %s mlx-c: %w", s.what, err)
		}
	}
	o.say("compiled mlx-c in %.0f s", time.Since(began).Seconds())
	return nil
}

// writeSources unpacks the build files that the program carries.
func writeSources(dir string) error {
	err := fs.WalkDir(native.Sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := native.Sources.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}
