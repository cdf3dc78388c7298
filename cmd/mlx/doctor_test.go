package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/setup"
	"forge.lthn.ai/core/go-mlx/native"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// prefix is where `make setup` installs.
func prefix(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "build", "native"))
	require.NoError(t, err)
	return dir
}

// section returns the lines of doctor's report under a label.
func section(report, label string) []string {
	var lines []string
	in := false
	for line := range strings.Lines(report) {
		if name := strings.TrimSpace(line[:min(10, len(line)-1)]); name != "" {
			in = name == label
		}
		if in && len(line) > 11 {
			lines = append(lines, strings.TrimSpace(line[11:]))
		}
	}
	return lines
}

func TestDoctor(t *testing.T) {
	t.Setenv("GO_MLX_LIBRARY_PATH", "")
	cmd := program(t, "doctor")
	cmd.Env = append(cmd.Env, "GO_MLX_LIBRARY_PATH=")
	out, err := cmd.Output()
	require.NoError(t, err)
	report := string(out)
	require.Equal(t, []string{"for MLX " + native.MLXVersion + ", mlx-c " + native.MLXCVersion}, section(report, "go-mlx"))
	require.Contains(t, section(report, "system")[0], runtime.GOOS+"/"+runtime.GOARCH)
	require.Contains(t, section(report, "libmlxc")[0], "libmlxc.")
	require.Contains(t, section(report, "libmlx")[0], "(MLX "+native.MLXVersion+")", "as the library says it")
	require.NotEmpty(t, section(report, "BLAS"))
	require.Regexp(t, `libgomlx\.\w+ \((generic|avx2|avx512|neon), \d+ threads\)$`, section(report, "kernels")[0])
	require.Regexp(t, `^(cpu|gpu):0$`, section(report, "device")[0])
	require.Regexp(t, `^limit [1-9]\d*\.\d GB, in use \d+\.\d MB$`, section(report, "memory")[0])

	searched, next := section(report, "searched"), section(report, "next")
	require.True(t, strings.HasSuffix(searched[len(searched)-1], ": loaded"), report)
	places := mlx.SearchPlaces()
	require.Len(t, places, len(searched)+len(next), "every place is told of once, in the order of the search")
	for i, place := range places[:len(places)-1] {
		require.Contains(t, append(searched, next...)[i], place)
	}
	require.Equal(t, "where the system looks", next[len(next)-1])
}

func TestDoctorWhereTheLibraryIsNamed(t *testing.T) {
	cmd := program(t, "doctor")
	cmd.Env = append(cmd.Env, "GO_MLX_LIBRARY_PATH="+filepath.Join(prefix(t), "lib"))
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(prefix(t), "lib") + ": loaded"}, section(string(out), "searched"))
	require.Empty(t, section(string(out), "next"), "nothing else is searched")
}

func TestDoctorWithoutALibrary(t *testing.T) {
	empty := t.TempDir()
	broken := filepath.Join(t.TempDir(), "libmlxc.so")
	if runtime.GOOS == "darwin" {
		broken = filepath.Join(filepath.Dir(broken), "libmlxc.dylib")
	}
	require.NoError(t, os.WriteFile(broken, []byte("no library"), 0o755))
	cmd := program(t, "doctor")
	cmd.Env = append(cmd.Env, "GO_MLX_LIBRARY_PATH="+empty+string(filepath.ListSeparator)+filepath.Dir(broken))
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, exitFailed, exit.ExitCode())
	require.Contains(t, string(out), "for MLX "+native.MLXVersion, "what can be told is told")
	for _, want := range []string{"no usable libmlxc for MLX " + native.MLXVersion, "mlx setup", "make setup",
		"GO_MLX_LIBRARY_PATH", empty + ": no libmlxc there", filepath.Dir(broken) + ": "} {
		require.Contains(t, string(exit.Stderr), want)
	}
	require.Equal(t, 1, strings.Count(string(out)+string(exit.Stderr), empty), "the places are told once")
}

// TestDoctorTellsOfASlowBLAS loads an installation without the forwarding to
// OpenBLAS.
func TestDoctorTellsOfASlowBLAS(t *testing.T) {
	if runtime.GOOS == "darwin" {
		require.Equal(t, "Accelerate", blas(""))
		return
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o755))
	entries, err := os.ReadDir(prefix(t))
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != "lib" {
			require.NoError(t, os.Symlink(filepath.Join(prefix(t), e.Name()), filepath.Join(dir, e.Name())))
		}
	}
	require.NoError(t, os.Symlink(filepath.Join(prefix(t), "lib", "libmlxc.so"), filepath.Join(dir, "lib", "libmlxc.so")))
	cmd := program(t, "doctor")
	cmd.Env = append(cmd.Env, "GO_MLX_LIBRARY_PATH="+filepath.Join(dir, "lib"))
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, section(string(out), "BLAS")[0], "slow; run `mlx setup`")
}

// TestDoctorTellsWhyThereAreNoKernels turns our own kernels off.
func TestDoctorTellsWhyThereAreNoKernels(t *testing.T) {
	cmd := program(t, "doctor")
	cmd.Env = append(cmd.Env, "GO_MLX_CPU_KERNELS=0", "GO_MLX_LIBRARY_PATH="+filepath.Join(prefix(t), "lib"))
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, []string{"none for a CPU, so MLX's own serve: GO_MLX_CPU_KERNELS=0 turns them off"}, section(string(out), "kernels"))
}

// TestSetupInstallsWhereTheLoaderLooks: `mlx setup` without a prefix needs no
// word about where to find what it installed.
func TestSetupInstallsWhereTheLoaderLooks(t *testing.T) {
	t.Setenv("GO_MLX_LIBRARY_PATH", "")
	backends := []string{"cpu", "cuda", "cuda12"}
	if runtime.GOOS == "darwin" {
		backends = []string{"cpu", "metal"}
	}
	for _, backend := range backends {
		dir, err := setup.DefaultPrefix(backend)
		require.NoError(t, err)
		require.Contains(t, mlx.SearchPlaces(), filepath.Join(dir, "lib"))
	}
	dir, err := setup.DefaultPrefix(setup.DefaultBackend())
	require.NoError(t, err)
	require.Contains(t, mlx.SearchPlaces(), filepath.Join(dir, "lib"))
}
