package native_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/setup"
)

// cpuTests builds the test program of the CPU kernels, which needs no MLX, in
// the checkout's build folder, where it is kept. The kernels are compiled again
// only where the installation in build/native is not of these sources.
func cpuTests(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the test program of the CPU kernels is compiled: left out with -short")
	}
	for _, tool := range []string{"cmake", "c++"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s to build the test program of the CPU kernels", tool)
		}
	}
	build, err := filepath.Abs(filepath.Join("..", "build", "cpu"))
	require.NoError(t, err)
	archive, current := setup.Installed(setup.Options{Prefix: filepath.Join("..", "build", "native")})
	if current {
		archive = filepath.Join(archive, "lib", "libgomlx_cpu.a")
	}
	for _, args := range [][]string{
		{"-S", "cpu", "-B", build, "-DGOMLX_CPU_TESTS=ON", "-DGOMLX_CPU_ARCHIVE=" + archive},
		{"--build", build, "--parallel", "2"},
	} {
		out, err := exec.CommandContext(t.Context(), "cmake", args...).CombinedOutput()
		require.NoErrorf(t, err, "cmake %s\n%s", strings.Join(args, " "), out)
	}
	return filepath.Join(build, "gomlx_cpu_test")
}

// TestCPUKernels runs the kernels' own checks, against sums in double precision,
// with each instruction set that this processor has.
func TestCPUKernels(t *testing.T) {
	program := cpuTests(t)
	for _, isa := range []string{"generic", "avx2", "avx512", "neon"} {
		t.Run(isa, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Env = append(os.Environ(), "GO_MLX_CPU_ISA="+isa, "GO_MLX_THREADS=3")
			out, err := cmd.CombinedOutput()
			if !strings.HasPrefix(string(out), "isa "+isa+",") {
				t.Skipf("this processor has no %s", isa)
			}
			require.NoErrorf(t, err, "%s", out)
		})
	}
}
