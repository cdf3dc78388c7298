package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// builder is a cmake that builds nothing and installs a libmlxc.
const builder = `#!/bin/sh
PATH=/usr/bin:/bin
case "$1" in
-S) for a; do case "$a" in -DCMAKE_INSTALL_PREFIX=*) echo "${a#*=}" >prefix;; esac; done;;
--build) echo "[28/28] linking";;
--install) mkdir -p "$(cat prefix)/lib"; echo mlxc >"$(cat prefix)/lib/libmlxc.so";;
esac
`

// setupArgs are the flags for a machine that has an MLX and mlx-c's source, with this cmake.
func setupArgs(t *testing.T, prefix, cmake string) []string {
	t.Helper()
	home := t.TempDir()
	file := func(mode os.FileMode, text string, path ...string) {
		name := filepath.Join(append([]string{home}, path...)...)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), mode))
	}
	file(0o755, cmake, "bin", "cmake")
	file(0o755, "#!/bin/sh\n", "bin", "c++")
	for _, name := range []string{"libmlx.so", "libmlx.dylib"} {
		file(0o644, "", "mlx", "lib", name)
	}
	file(0o644, "", "mlx-c", "mlx", "c", "mlx.h")
	for name, value := range map[string]string{
		"HOME": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "PATH": filepath.Join(home, "bin"), "CXX": "", "MLX_C_SOURCE_DIR": "",
	} {
		t.Setenv(name, value)
	}
	return []string{"setup", "--json", "--prefix", prefix, "--backend", "cpu",
		"--mlx-root", filepath.Join(home, "mlx"), "--mlx-c-source", filepath.Join(home, "mlx-c")}
}

// Programs read one line that says what is where, whether it was there before or not;
// progress is no part of it.
func TestSetupJSON(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "prefix")
	args := setupArgs(t, prefix, builder)
	for _, progress := range []string{"installed in " + prefix, "is in place: " + prefix, ""} {
		if progress == "" {
			args = append(args, "--quiet", "--force")
		}
		o := call(t, "", args...)
		require.Zero(t, o.code, o.err)
		require.Contains(t, o.err, progress)
		require.Equal(t, progress == "", o.err == "")
		require.FileExists(t, filepath.Join(prefix, "lib", "libmlxc.so"))
		var got map[string]string
		require.NoError(t, json.Unmarshal([]byte(o.out), &got))
		require.Equal(t, map[string]string{
			"backend": "cpu", "prefix": prefix, "mlx": native.MLXVersion, "mlx_c": native.MLXCVersion,
		}, got)
	}
}

// What failed leaves the standard output empty.
func TestSetupJSONFails(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "prefix")
	o := call(t, "", setupArgs(t, prefix, "#!/bin/sh\necho 'CMake Error: no C++20' >&2; exit 1\n")...)
	require.Equal(t, exitFailed, o.code)
	require.Empty(t, o.out)
	require.Contains(t, o.err, "mlx: setup: configuring mlx-c: cmake: exit status 1: CMake Error: no C++20")
	require.NoDirExists(t, prefix)
}
