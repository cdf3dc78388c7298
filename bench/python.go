package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// mlxLMVersion is the mlx-lm that is compared with.
const mlxLMVersion = "0.32.2"

// requirements are the Python packages of the peer. gguf is for the scripts
// that write reference data: they run in the same environment.
func requirements(goos string, gpu bool) []string {
	list := []string{"mlx==" + native.MLXVersion, "mlx-lm==" + mlxLMVersion, "gguf==0.19.0"}
	switch {
	case goos == "darwin": // mlx brings Metal
	case gpu:
		list = append(list, "mlx-cuda-13=="+native.MLXVersion)
	default:
		list = append(list, "mlx-cpu=="+native.MLXVersion)
	}
	return list
}

// environment is the Python of the environment in dir, or of the one in the
// user cache folder, which is made when it is not there.
func environment(ctx context.Context, dir string, gpu bool, log io.Writer) (python string, err error) {
	given := dir != ""
	packages := requirements(runtime.GOOS, gpu)
	if !given {
		if dir, err = fetch.CacheDir(); err != nil {
			return "", err
		}
		dir = filepath.Join(dir, "peers", digest(packages...))
	}
	python = filepath.Join(dir, "bin", "python")
	if given {
		if _, err := os.Stat(python); err != nil {
			return "", fmt.Errorf("bench: %s is no Python environment: %w", dir, err)
		}
		return python, nil
	}
	unlock, err := fetch.Lock(ctx, dir, log)
	if err != nil {
		return "", err
	}
	defer unlock()
	complete := filepath.Join(dir, "complete") // written last
	if _, err := os.Stat(complete); err == nil {
		return python, nil
	}
	if err := makeEnvironment(ctx, dir, packages, log); err != nil {
		return "", err
	}
	if err := os.WriteFile(complete, nil, 0o644); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return python, nil
}

// makeEnvironment makes a virtual environment and installs the packages.
func makeEnvironment(ctx context.Context, dir string, packages []string, log io.Writer) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("bench: python3 is needed to run mlx-lm and is not on the PATH")
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	fmt.Fprintf(log, "making a Python environment with %s\n", strings.Join(packages, ", "))
	began := time.Now()
	if err := command(ctx, log, python, "-m", "venv", dir); err != nil {
		return fmt.Errorf("bench: making a Python environment: %w", err)
	}
	pip := []string{"-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--only-binary=:all:"}
	if err := command(ctx, log, filepath.Join(dir, "bin", "python"), append(pip, packages...)...); err != nil {
		return fmt.Errorf("bench: installing mlx-lm: %w", err)
	}
	fmt.Fprintf(log, "made the Python environment in %.0f s\n", time.Since(began).Seconds())
	return nil
}

// converted is the folder of the model's conversions for mlx-lm, made when they
// are not there: f16, q4-f32 and f32, all of the weights in the GGUF.
func converted(ctx context.Context, python, root, gguf string, log io.Writer) (string, error) {
	script := filepath.Join(root, "models", "testdata", "smollm2.py")
	text, err := os.ReadFile(script)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "converted", digest(filepath.Base(gguf), string(text)))
	unlock, err := fetch.Lock(ctx, dir, log)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Fprintln(log, "converting the model for mlx-lm")
	tmp := dir + ".partial"
	defer os.RemoveAll(tmp)
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	if err := command(ctx, log, python, script, "convert", gguf, tmp); err != nil {
		return "", fmt.Errorf("bench: converting the model: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return dir, nil
}

// command runs a program whose output is progress.
func command(ctx context.Context, log io.Writer, name string, args ...string) error {
	cmd := fetch.Command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// digest names a folder by what it was made of.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:6])
}
