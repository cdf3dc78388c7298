package setup

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// machine is an empty machine: a home and a PATH with nothing but the tools
// that a test puts there. Wheels are pinned to small ones of the test's.
type machine struct {
	t      *testing.T
	home   string
	bin    string
	wheels string // what the fake pip downloads from
	log    string // a line for every call of a tool
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	home := t.TempDir()
	m := &machine{t: t, home: home, bin: filepath.Join(home, "bin"),
		wheels: filepath.Join(home, "wheels"), log: filepath.Join(home, "log")}
	require.NoError(t, os.Mkdir(m.bin, 0o755))
	require.NoError(t, os.Mkdir(m.wheels, 0o755))
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("PATH", m.bin)
	t.Setenv("CXX", "")
	t.Setenv(sourceVariable, "")
	return m
}

// tool puts a shell script on the PATH.
func (m *machine) tool(name, body string) {
	m.t.Helper()
	script := "#!/bin/sh\nPATH=/usr/bin:/bin\necho \"" + name + " $*\" >>'" + m.log + "'\n" + body + "\n"
	require.NoError(m.t, os.WriteFile(filepath.Join(m.bin, name), []byte(script), 0o755))
}

// The tools as they are on a good machine. pip download copies from the wheels
// pinned; pip install unpacks nothing but makes what NVIDIA's wheels bring;
// cmake notes its prefix when it configures and installs libmlxc there.
const (
	goodPython = `case "$3" in
--version) echo "pip 24.0"; exit 0;;
download)
  while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
  name=$(echo "${1%==*}" | tr - _)
  for f in WHEELS/${name}-*; do cp "$f" "$dest/"; done;;
install)
  while [ $# -gt 1 ]; do [ "$1" = --target ] && target=$2; shift; done
  echo "Collecting nvidia-cublas"
  mkdir -p "$target/mlx/lib" "$target/nvidia/cu13/lib"
  echo cuda >"$target/mlx/lib/libmlx.so"; echo cublas >"$target/nvidia/cu13/lib/libcublasLt.so.13";;
esac`
	goodCMake = `case "$1" in
-S)
  for a; do
    case "$a" in
    -DCMAKE_INSTALL_PREFIX=*) echo "${a#*=}" >prefix;;
    -DMLX_ROOT=*) ls "${a#*=}"/lib/libmlx.* >/dev/null || exit 1;;
    -DMLX_C_SOURCE_DIR=*) [ -f "${a#*=}/mlx/c/mlx.h" ] || exit 1;;
    esac
  done
  [ -f native/CMakeLists.txt ] && [ -f native/FindMLX.cmake ];;
--build) echo "[1/2] array.cpp"; echo "[2/2] linking";;
--install) mkdir -p "$(cat prefix)/lib"; echo mlxc >"$(cat prefix)/lib/libmlxc.so";;
esac`
	goodCargo = `mkdir -p vendor/mlx-sys/src/mlx-c/mlx/c
echo '#pragma once' >vendor/mlx-sys/src/mlx-c/mlx/c/mlx.h
echo '{"files":{},"package":"` + "CRATE" + `"}' >vendor/mlx-sys/.cargo-checksum.json`
	goodGit = `case "$1" in
clone) for a; do dest=$a; done; mkdir -p "$dest/mlx/c"; echo '#pragma once' >"$dest/mlx/c/mlx.h";;
rev-parse) echo COMMIT;;
esac`
)

// good puts good tools on the PATH and pins wheels for every backend.
func (m *machine) good() *machine {
	m.t.Helper()
	m.tool("python3", goodPythonFor(m))
	m.tool("cmake", goodCMake)
	m.tool("c++", "")
	m.tool("cargo", strings.ReplaceAll(goodCargo, "CRATE", native.MLXCCrate.SHA256))
	m.tool("git", strings.ReplaceAll(goodGit, "COMMIT", native.MLXCCommit))
	wheels := native.Wheels
	m.t.Cleanup(func() { native.Wheels = wheels })
	native.Wheels = nil
	for _, w := range wheels {
		data := wheelOf(m.t, w)
		w.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
		native.Wheels = append(native.Wheels, w)
		require.NoError(m.t, os.WriteFile(filepath.Join(m.wheels, w.File), data, 0o644))
	}
	return m
}

func goodPythonFor(m *machine) string {
	return strings.ReplaceAll(goodPython, "WHEELS", "'"+m.wheels+"'")
}

// wheelOf makes a small wheel with the files that the real one has where it
// matters.
func wheelOf(t *testing.T, w native.Wheel) []byte {
	t.Helper()
	base := strings.SplitN(w.File, "-", 2)[0]
	names := []string{base + ".libs/libblas.so.3", "mlx/lib/libmlx.so", "mlx/include/mlx/mlx.h",
		base + "-" + w.Version + ".dist-info/METADATA"}
	switch w.Use {
	case "metal":
		names = []string{"mlx/lib/libmlx.dylib", "mlx/lib/libjaccl.dylib", "mlx/lib/mlx.metallib", "mlx/include/mlx/mlx.h"}
	case "blas":
		names = []string{"scipy_openblas32/__init__.py", "scipy_openblas32/lib/libscipy_openblas.so"}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		f, err := z.Create(name)
		require.NoError(t, err)
		fmt.Fprintln(f, w.File)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// calls are the calls of the tools whose line begins so.
func (m *machine) calls(begin string) []string {
	m.t.Helper()
	data, err := os.ReadFile(m.log)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(m.t, err)
	var found []string
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, begin) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// options installs the CPU's build for a PC into a folder of the test's.
func (m *machine) options() (Options, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return Options{Backend: "cpu", Prefix: filepath.Join(m.home, "prefix"), Out: out, platform: "linux/amd64"}, out
}

// tree lists the files and links below dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(name))
		return nil
	}))
	return names
}

// requireNothing requires that no installation is there, whole or in part.
func (m *machine) requireNothing(o Options) {
	m.t.Helper()
	found, err := filepath.Glob(o.Prefix + "*")
	require.NoError(m.t, err)
	for _, name := range found {
		require.Equal(m.t, ".lock", filepath.Ext(name))
	}
}

// requireSentence requires an error that a user reads as one sentence.
func requireSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.True(t, strings.HasPrefix(err.Error(), "setup: "), err.Error())
	for _, p := range parts {
		require.ErrorContains(t, err, p)
	}
}
