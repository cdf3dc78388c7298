package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is the root of this module, whose bindings gen writes.
const module = ".."

// headersDir is where mlx-c's headers lie after `make setup`.
func headersDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(module, "build", "native", "include"))
	require.NoError(t, err)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("no mlx-c headers (%v): run `make setup`", err)
	}
	return dir
}

// realManifest reads the module's own go.generate.
func realManifest(t *testing.T) *Manifest {
	t.Helper()
	m, err := readManifest(filepath.Join(module, "go.generate"))
	require.NoError(t, err)
	return m
}

// realAPI parses the headers of mlx-c and our own.
func realAPI(t *testing.T) *API {
	t.Helper()
	m := realManifest(t)
	require.Len(t, m.Headers, 1)
	api, err := readAPI(m, both{os.DirFS(headersDir(t)), os.DirFS(filepath.Join(module, "native"))})
	require.NoError(t, err)
	return api
}
