package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReproduce generates into an empty folder: the committed files come out,
// byte for byte, and no other.
func TestReproduce(t *testing.T) {
	headers := headersDir(t)
	root := t.TempDir()
	manifest, err := os.ReadFile(filepath.Join(module, "go.generate"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.generate"), manifest, 0o600))
	require.NoError(t, os.CopyFS(filepath.Join(root, "gen", "docs"), os.DirFS("docs")))
	header, err := os.ReadFile(filepath.Join(module, "native", "gomlx.h"))
	require.NoError(t, err)
	writeTree(t, root, map[string]string{"native/gomlx.h": string(header)})
	require.NoError(t, run(root, headers))
	requireSame(t, committed(t), outputs(t, root))
}

// committed reads the generated files of this module: all that begin with a z.
func committed(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	paths := []string{"api.lock"}
	for _, dir := range []string{"bindings", "native", "runtime"} {
		found, err := filepath.Glob(filepath.Join(module, dir, "z*"))
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		name, ok := strings.CutPrefix(filepath.ToSlash(path), module+"/")
		if !ok {
			name = "gen/" + name
		}
		files[name] = string(data)
	}
	return files
}

// TestWrite writes over what is there: a file that no longer comes out goes, one
// that is the same is not touched, and hand-written files stay.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	before := map[string]string{
		"bindings/zsame.go": "package bindings\n",
		"bindings/zold.go":  "package bindings\n",
		"bindings/zgone.go": "package bindings\n",
		"bindings/hand.go":  "package bindings\n",
	}
	writeTree(t, root, before)
	same := filepath.Join(root, "bindings", "zsame.go")
	was, err := os.Stat(same)
	require.NoError(t, err)
	require.NoError(t, write(root, map[string][]byte{
		"bindings/zsame.go": []byte("package bindings\n"),
		"bindings/zold.go":  []byte("package bindings // new\n"),
		"runtime/znew.go":   []byte("package runtime\n"),
	}))
	require.Equal(t, map[string]string{
		"bindings/zsame.go": "package bindings\n",
		"bindings/zold.go":  "package bindings // new\n",
		"bindings/hand.go":  "package bindings\n",
		"runtime/znew.go":   "package runtime\n",
	}, readTree(t, root))
	is, err := os.Stat(same)
	require.NoError(t, err)
	require.Equal(t, was.ModTime(), is.ModTime())
}
