package setup

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// The files that each backend's installation has, as the wheels of MLX 0.32.2
// hold them: a Mac's library has another name and its kernels beside it, the
// CUDA wheel's libmlx looks for ../../nvidia and ../../mlx_cuda_13.libs.
func TestBackends(t *testing.T) {
	for _, c := range []struct {
		backend, platform string
		wheel             string // as the package index has it
		prefix            string // in the cache
		files             []string
	}{
		{"cpu", "linux/amd64", "mlx_cpu-0.32.2-py3-none-manylinux_2_35_x86_64.whl", "0.32.2-cpu",
			[]string{"lib/libscipy_openblas.so", "mlx/lib/libmlx.so", "mlx_cpu.libs/libblas.so.3"}},
		{"cpu", "linux/arm64", "mlx_cpu-0.32.2-py3-none-manylinux_2_35_aarch64.whl", "0.32.2-cpu",
			[]string{"lib/libscipy_openblas.so", "mlx/lib/libmlx.so", "mlx_cpu.libs/libblas.so.3"}},
		{"cuda", "linux/amd64", "mlx_cuda_13-0.32.2-py3-none-manylinux_2_35_x86_64.whl", "0.32.2-cuda",
			[]string{"lib/libscipy_openblas.so", "mlx/lib/libmlx.so", "nvidia/cu13/lib/libcublasLt.so.13"}},
		{"cuda12", "linux/arm64", "mlx_cuda_12-0.32.2-py3-none-manylinux_2_35_aarch64.whl", "0.32.2-cuda",
			[]string{"lib/libscipy_openblas.so", "mlx/lib/libmlx.so", "nvidia/cu13/lib/libcublasLt.so.13"}},
		{"metal", "darwin/arm64", "mlx_metal-0.32.2-py3-none-macosx_14_0_arm64.whl", "0.32.2-metal",
			[]string{"mlx/lib/libjaccl.dylib", "mlx/lib/libmlx.dylib", "mlx/lib/mlx.metallib"}},
	} {
		t.Run(c.backend+" "+c.platform, func(t *testing.T) {
			w, ok := native.FindWheel(c.backend, c.platform)
			require.True(t, ok)
			require.Equal(t, c.wheel, w.File)

			m := newMachine(t).good()
			prefix, err := Install(t.Context(), Options{Backend: c.backend, platform: c.platform})
			require.NoError(t, err)
			require.Equal(t, c.prefix, filepath.Base(prefix))
			require.Equal(t, "native", filepath.Base(filepath.Dir(prefix)))
			files := tree(t, prefix)
			require.Subset(t, files, c.files)
			require.Contains(t, files, "lib/libmlxc.so")
			for _, f := range files {
				require.NotContains(t, f, "dist-info")
			}
			require.NotEmpty(t, m.calls("python3 -m pip download"))
			install := m.calls("python3 -m pip install")
			if c.backend == "cuda" || c.backend == "cuda12" {
				require.Len(t, install, 1)
				require.Contains(t, install[0], "--target "+prefix+".partial ")
				require.Contains(t, install[0], filepath.Join("downloads", c.wheel))
			} else {
				require.Empty(t, install)
			}
		})
	}
}

func TestBackendsThatAreNone(t *testing.T) {
	for _, c := range []struct{ backend, platform, want string }{
		{"rocm", "linux/amd64", `unknown backend "rocm", want one of cpu, cuda, cuda12, metal`},
		{"blas", "linux/amd64", `unknown backend "blas"`},
		{"smollm2", "linux/amd64", `unknown backend "smollm2"`},
		{"CPU", "linux/amd64", `unknown backend "CPU"`},
		{"metal", "linux/amd64", "has no metal build for linux/amd64"},
		{"cuda", "darwin/arm64", "has no cuda build for darwin/arm64"},
		{"cpu", "windows/amd64", "has no cpu build for windows/amd64"},
		{"metal", "darwin/amd64", "has no metal build for darwin/amd64"},
	} {
		t.Run(c.backend+" "+c.platform, func(t *testing.T) {
			m := newMachine(t).good()
			prefix := filepath.Join(m.home, "prefix")
			_, err := Install(t.Context(), Options{Backend: c.backend, Prefix: prefix, platform: c.platform})
			requireSentence(t, err, c.want)
			require.Empty(t, m.calls(""), "no tool ran")
			require.NoDirExists(t, prefix)
		})
	}
}

func TestFailedCUDALibraries(t *testing.T) {
	m := newMachine(t).good()
	m.tool("python3", `if [ "$3" = install ]; then
  echo "ERROR: No matching distribution found for nvidia-cublas==13.*" >&2; exit 1
fi
`+goodPythonFor(m))
	o, out := m.options()
	o.Backend = "cuda"
	_, err := Install(t.Context(), o)
	requireSentence(t, err, "CUDA libraries: python3: exit status 1: ERROR: No matching distribution found for nvidia-")
	require.Contains(t, out.String(), "several gigabytes")
	m.requireNothing(o)
}

func TestProgressOfABuild(t *testing.T) {
	defer func(d time.Duration) { stepEvery = d }(stepEvery)
	stepEvery = 0
	m := newMachine(t).good()
	o, out := m.options()
	m.tool("cmake", `[ "$1" = --build ] && echo "[ 50%] Building CXX object"; `+goodCMake)
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Contains(t, out.String(), "compiling mlx-c: 50%\ncompiling mlx-c: 1/2\ncompiling mlx-c: 2/2\n")
}

// TestBuildFilesAreWhatTheCheckoutHas: a program installed without a checkout
// builds from the same files.
func TestBuildFilesAreWhatTheCheckoutHas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "native")
	require.NoError(t, writeSources(dir))
	var got []string
	for _, name := range tree(t, dir) {
		want, err := os.ReadFile(filepath.Join("..", "..", "native", name))
		require.NoError(t, err)
		have, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, have), name)
		got = append(got, name)
	}
	require.Subset(t, got, []string{"CMakeLists.txt", "FindMLX.cmake", "blas.S", "format.h", "message.h", "gomlx.h",
		"cpu/CMakeLists.txt", "cpu/kernels.h", "primitives/support.cc"})
}

func TestLongLogsEndWhereTheReasonStands(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	m.tool("cmake", `[ "$1" = --build ] && { i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "noise $i"; done
head -c 3000000 /dev/zero | tr '\0' x; echo; echo "array.cpp:1: error: no"; exit 2; }
`+goodCMake)
	_, err := Install(t.Context(), o)
	require.ErrorContains(t, err, "compiling mlx-c: cmake: exit status 2: noise 41\n")
	require.True(t, strings.HasSuffix(err.Error(), "xxx\narray.cpp:1: error: no"), "a long line is cut, not the end")
	require.Less(t, len(err.Error()), 3000)
}
