package main

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the expected files of testdata")

// TestGolden generates from every small module of testdata: go.generate, docs
// and headers go in, and what lies in want must come out, no file more or less.
func TestGolden(t *testing.T) {
	for _, name := range cases(t, "testdata") {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			root := moduleOf(t, dir)
			require.NoError(t, run(root, "include"))
			got := outputs(t, root)
			want := filepath.Join(dir, "want")
			if *update {
				require.NoError(t, os.RemoveAll(want))
				writeTree(t, want, got)
			}
			requireSame(t, readTree(t, want), got)
		})
	}
}

// TestGoldenCoversEverything classifies the functions of all cases: every family
// of the real bindings and every row of the tables must have an example.
func TestGoldenCoversEverything(t *testing.T) {
	families, kinds := map[string]bool{}, map[string]bool{}
	for _, name := range cases(t, "testdata") {
		dir := filepath.Join("testdata", name)
		m, err := readManifest(filepath.Join(dir, "go.generate"))
		require.NoError(t, err)
		api, err := readAPI(m, both{os.DirFS(filepath.Join(dir, "include")), os.DirFS(filepath.Join(dir, "native"))})
		require.NoError(t, err)
		bindings, err := classify(m, api)
		require.NoError(t, err)
		for _, b := range bindings {
			families[b.Family] = true
			for _, a := range b.inArgs() {
				kinds["in "+a.Kind] = true
			}
			for _, a := range b.results() {
				kinds["out "+a.Kind] = true
			}
		}
	}
	for _, l := range readLock(t) {
		require.True(t, families[l.family], "no case has the family %q", l.family)
	}
	for kind := range argRows {
		require.True(t, kinds["in "+kind], "no case has an argument of the kind %q", kind)
	}
	for kind := range outRows {
		require.True(t, kinds["out "+kind], "no case has a result of the kind %q", kind)
	}
}

// cases lists the folders below dir that hold a manifest.
func cases(t *testing.T, dir string) []string {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(dir, "*", "go.generate"))
	require.NoError(t, err)
	require.NotEmpty(t, manifests)
	names := make([]string, len(manifests))
	for i, m := range manifests {
		names[i] = filepath.Base(filepath.Dir(m))
	}
	return names
}

// moduleOf lays a case out as gen finds a module: the manifest, the headers
// and gen/docs. The headers may lack.
func moduleOf(t *testing.T, dir string) string {
	t.Helper()
	root := t.TempDir()
	manifest, err := os.ReadFile(filepath.Join(dir, "go.generate"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.generate"), manifest, 0o600))
	for from, to := range map[string]string{"include": "include", "native": "native", "docs": "gen/docs"} {
		if _, err := os.Stat(filepath.Join(dir, from)); err == nil {
			require.NoError(t, os.CopyFS(filepath.Join(root, to), os.DirFS(filepath.Join(dir, from))))
		}
	}
	return root
}

// outputs reads the files that gen wrote below root.
func outputs(t *testing.T, root string) map[string]string {
	t.Helper()
	files := readTree(t, root)
	for name := range files {
		in, err := filepath.Match("gen/docs/*", name)
		require.NoError(t, err)
		if in || name == "go.generate" || strings.HasPrefix(name, "include/") || name == "native/own.h" || name == "native/gomlx.h" {
			delete(files, name)
		}
	}
	return files
}

// readTree reads the files below dir by their paths in it, with slashes.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	fsys := os.DirFS(dir)
	require.NoError(t, fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, path)
		files[path] = string(data)
		return err
	}))
	return files
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// requireSame compares file by file and names the first line that differs in each.
func requireSame(t *testing.T, want, got map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		text, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s is no longer generated", name)
		case text != want[name]:
			t.Errorf("%s differs in line %s", name, firstDifference(want[name], text))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is generated and not expected", name)
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w)-1 && i < len(g)-1 && w[i] == g[i] {
		i++
	}
	return fmt.Sprintf("%d:\nwant %s\ngot  %s", i+1, w[i], g[i])
}
