package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

func TestParts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	leaktest.Check(t)
	var out bytes.Buffer
	require.NoError(t, runParts(t.Context(), partsOptions{Model: testmodels.RequireSmolLM2(t)}, &out))
	var p parts
	require.NoError(t, json.Unmarshal(out.Bytes(), &p))
	require.Equal(t, 44, p.Tokens, "the system message of the template, and the prompt")
	for _, part := range partNames {
		require.GreaterOrEqual(t, part.of(p), 0.0, part.name)
	}
	require.Positive(t, p.Prompt)
}

// The clock stops at the first byte, not when the program ends.
func TestFirstByte(t *testing.T) {
	t.Setenv(actVariable, "writes-then-waits")
	took, err := firstByte(t.Context(), os.Args[0])
	require.NoError(t, err)
	require.Less(t, took, 2*time.Second)

	t.Setenv(actVariable, "dies-loading")
	_, err = firstByte(t.Context(), os.Args[0])
	require.ErrorContains(t, err, "wrote nothing: EOF\nexit status 1")
}

func TestStartTable(t *testing.T) {
	table := startTable(series{310, 290, 300}, []parts{{0.005, 0.020, 0.1, 0.15, 44}, {0.007, 0.022, 0.12, 0.17, 44}})
	lines := strings.Split(table, "\n")
	require.Contains(t, lines[2], "**300 (290–310)**")
	require.Contains(t, lines[3], "6.00 (5.00–7.00)")
	require.Contains(t, lines[5], "110 (100–120)")
	require.Contains(t, lines[6], "160 (150–170)")
}
