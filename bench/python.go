package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/python"
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
func environment(ctx context.Context, dir string, gpu bool, log io.Writer) (string, error) {
	if dir != "" {
		return python.In(dir)
	}
	return python.Environment(ctx, requirements(runtime.GOOS, gpu), log)
}

// converted is the folder of the model's conversions for mlx-lm, made when they
// are not there: f16, q4-f32 and f32, all of the weights in the GGUF.
func converted(ctx context.Context, interpreter, root, gguf string, log io.Writer) (string, error) {
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
	if err := python.Run(ctx, log, interpreter, script, "convert", gguf, tmp); err != nil {
		return "", fmt.Errorf("bench: converting the model: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return dir, nil
}

// digest names a folder by what it was made of.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:6])
}
