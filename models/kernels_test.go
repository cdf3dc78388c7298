package models

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// begins requires that the answer to the first prompt begins as mlx-lm's.
func (ref *smollm2) begins(t *testing.T, m *Model, kind string, tokens int) {
	t.Helper()
	stream := m.Chat(t.Context(), templates.Chat{Messages: ref.Prompts[0].Messages}, generate.WithMaxTokens(tokens))
	ids, _, _ := collect(t, stream)
	require.Equal(t, ref.Greedy[kind][0].Tokens[:len(ids)], ids)
}

// By default weights stay packed where our own kernels serve, scales and all, and
// take hardly more memory than the file.
func TestKernelsKeepTheFilesWeights(t *testing.T) {
	requireKernels(t)
	m, ref := loadSmolLM2(t, Auto)
	require.Equal(t, nn.Policy{Dtype: mlx.Float32, Kernels: true, Rounded: true}, m.Policy())
	ref.begins(t, m, "q4-f32", 12)

	path := testmodels.RequireSmolLM2(t)
	file, err := os.Stat(path)
	require.NoError(t, err)
	needs, err := Check(t.Context(), path)
	require.NoError(t, err)
	require.InEpsilon(t, file.Size(), needs.Weights, 0.1)
	leaktest.Do(t, func(th *mlx.Thread) {
		active, err := th.ActiveMemory()
		require.NoError(t, err)
		require.Less(t, active, uint64(1.1*float64(file.Size())))
	})
}

func requireKernels(t *testing.T) {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		if !th.CPUKernels() {
			t.Skip("our own kernels for a CPU are not loaded")
		}
		return nil
	}))
}

const kernelsMarker = "GO_MLX_TEST_WITHOUT_KERNELS"

// Turned off, in another process, everything is as it was without them: weights are
// unpacked, and tokens are mlx-lm's.
func TestWithoutKernels(t *testing.T) {
	if os.Getenv(kernelsMarker) != "" {
		m, ref := loadSmolLM2(t, Auto)
		require.Equal(t, nn.Policy{Dtype: mlx.Float32, Unpack: true}, m.Policy())
		ref.begins(t, m, "f32", 8)
		return
	}
	if testing.Short() {
		t.Skip("runs a real model")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWithoutKernels$", "-test.v")
	cmd.Env = append(os.Environ(), kernelsMarker+"=1", "GO_MLX_CPU_KERNELS=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestWithoutKernels")
}
