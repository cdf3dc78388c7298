// Package python makes Python environments in the user cache folder, for what is
// compared with Python: tests and benchmarks.
package python

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
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

// ErrMissing is what there is no Python without.
var ErrMissing = errors.New("python3 is needed and is not on the PATH")

// Environment returns the Python of an environment with these packages, which is
// made the first time. Those of compiled have no wheels. Progress goes to log.
func Environment(ctx context.Context, packages []string, log io.Writer, compiled ...string) (string, error) {
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "peers", digest(packages))
	unlock, err := fetch.Lock(ctx, dir, log)
	if err != nil {
		return "", err
	}
	defer unlock()
	complete := filepath.Join(dir, "complete") // written last
	if _, err := os.Stat(complete); err == nil {
		return In(dir)
	}
	if err := makeEnvironment(ctx, dir, packages, compiled, log); err != nil {
		return "", err
	}
	if err := os.WriteFile(complete, nil, 0o644); err != nil {
		return "", fmt.Errorf("python: %w", err)
	}
	return In(dir)
}

// In returns the Python of an environment that is there.
func In(dir string) (string, error) {
	path := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("python: %s is no Python environment: %w", dir, err)
	}
	return path, nil
}

// makeEnvironment makes a virtual environment and installs the packages.
func makeEnvironment(ctx context.Context, dir string, packages, compiled []string, log io.Writer) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("python: %w", ErrMissing)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("python: %w", err)
	}
	list := strings.Join(packages, ", ")
	fmt.Fprintf(log, "making a Python environment with %s\n", list)
	began := time.Now()
	if err := Run(ctx, log, python, "-m", "venv", dir); err != nil {
		return fmt.Errorf("python: making an environment: %w", err)
	}
	pip := []string{"-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--only-binary=:all:"}
	for _, name := range compiled {
		pip = append(pip, "--no-binary="+name)
	}
	if err := Run(ctx, log, filepath.Join(dir, "bin", "python"), append(pip, packages...)...); err != nil {
		return fmt.Errorf("python: installing %s: %w", list, err)
	}
	fmt.Fprintf(log, "made the Python environment in %.0f s\n", time.Since(began).Seconds())
	return nil
}

// Run runs a program whose output is progress.
func Run(ctx context.Context, log io.Writer, name string, args ...string) error {
	cmd := fetch.Command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// digest names a folder by what it was made of.
func digest(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:6])
}
