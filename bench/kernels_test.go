package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestSumOf: every word is read.
func TestSumOf(t *testing.T) {
	blocks := make([][8]uint64, 100)
	var want uint64
	for i := range blocks {
		for j := range blocks[i] {
			blocks[i][j] = uint64(1 + i*j)
			want += uint64(1 + i*j)
		}
	}
	require.Equal(t, want, sumOf(blocks))
}

// TestKernelCases: the sizes in the table are those of the form, and the products are
// the kernels'.
func TestKernelCases(t *testing.T) {
	if testing.Short() {
		t.Skip("fills hundreds of megabytes")
	}
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		if !th.CPUKernels() {
			t.Skip("no kernels of our own here")
		}
		for i, bytes := range map[int]int{0: kernelBytes * 5 / 4, 2: kernelBytes / 6 * 6 * 10 / 6, 5: kernelBytes} {
			r, err := kernelCases[i].measure(t.Context(), th, 1)
			require.NoError(t, err, kernelCases[i].name)
			require.InEpsilon(t, bytes, r.bytes, 1e-3, r.name)
			require.Positive(t, r.one)
			require.Positive(t, r.many)
		}
		return nil
	}))
}

func TestKernelsTable(t *testing.T) {
	table := kernelsTable(10*time.Millisecond, []kernelResult{
		{kernelCase: kernelCase{name: "4 bits"}, bytes: kernelBytes, one: 12500 * time.Microsecond, many: 25 * time.Millisecond},
	})
	lines := strings.Split(table, "\n")
	require.Contains(t, lines[2], "| only reading them |")
	require.Regexp(t, `201 \| +20\.1 \| +100 %`, lines[2])
	require.Regexp(t, `4 bits +\| 201 \| +16\.1 \| +80 % \| +8\.05 \| +4\.00 × \|`, lines[3])
}

func TestKernelsRefuse(t *testing.T) {
	err := runKernels(t.Context(), kernelsOptions{Out: filepath.Join(t.TempDir(), "b.md")}, t.Output(), t.Output())
	require.ErrorContains(t, err, "want one run at least")
}
