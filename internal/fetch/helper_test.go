package fetch

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// machine is an empty cache and a PATH with nothing on it but a python3 of the
// test's own.
type machine struct {
	t     *testing.T
	cache string // go-mlx's folder in the user cache
	bin   string
	calls string // a line for every call of pip
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	m := &machine{t: t, bin: filepath.Join(home, "bin"), calls: filepath.Join(home, "calls")}
	require.NoError(t, os.Mkdir(m.bin, 0o755))
	t.Setenv("PATH", m.bin)
	var err error
	m.cache, err = CacheDir()
	require.NoError(t, err)
	return m
}

// pip installs a python3 whose pip runs body, a shell script that finds the
// folder to save to in $dest.
func (m *machine) pip(body string) {
	m.t.Helper()
	script := `#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >>'` + m.calls + `'
while [ $# -gt 0 ]; do
  [ "$1" = --dest ] && dest=$2
  shift
done
` + body + "\n"
	require.NoError(m.t, os.WriteFile(filepath.Join(m.bin, "python3"), []byte(script), 0o755))
}

// saves is a body for pip that saves a file of the test's.
func (m *machine) saves(name string, data []byte) string {
	m.t.Helper()
	from := filepath.Join(m.t.TempDir(), name)
	require.NoError(m.t, os.WriteFile(from, data, 0o644))
	return "cp '" + from + `' "$dest/"`
}

// pipCalls are the arguments of every call of pip.
func (m *machine) pipCalls() []string {
	m.t.Helper()
	data, err := os.ReadFile(m.calls)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(m.t, err)
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// files lists what lies in the cache but for locks, which stay.
func (m *machine) files() []string {
	m.t.Helper()
	var names []string
	require.NoError(m.t, filepath.WalkDir(m.cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) != ".lock" || err == nil && strings.HasPrefix(d.Name(), ".") {
			name, _ := filepath.Rel(m.cache, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	}))
	return names
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// testWheel pins data as a wheel.
func testWheel(data []byte) native.Wheel {
	return native.Wheel{Package: "some-lib", Version: "1.2.3", Platform: "linux/amd64", Use: "cpu",
		File: "some_lib-1.2.3-py3-none-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", SHA256: sum(data)}
}

// entry is a file of a zip.
type entry struct {
	name string
	data string
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		require.NoError(t, err)
		_, err = f.Write([]byte(e.data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// requireSentence requires an error that a user reads as one sentence.
func requireSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.True(t, strings.HasPrefix(err.Error(), "fetch: "), err.Error())
	for _, p := range parts {
		require.ErrorContains(t, err, p)
	}
}
