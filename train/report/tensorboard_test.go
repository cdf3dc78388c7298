package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/train"
)

// Records are those that TensorBoard's own classes write (testdata/events.py).
func TestTensorBoardEqualsReference(t *testing.T) {
	dir := t.TempDir()
	now := func() time.Time { return time.Unix(1700000000, 5e8) }
	b, err := openTensorBoard(filepath.Join(dir, "runs"), 10, now)
	require.NoError(t, err)
	observe(t, b.Observe,
		train.StepEvent{Iter: 20, Loss: 2.5, Rate: 1e-4, GradNorm: 0.75, TokensPerSecond: 1234.5, PeakMemory: 1 << 30, Padding: 0.125},
		train.EvalEvent{Iter: 20, Loss: 2.25}, train.SaveEvent{Iter: 20}, train.SampleEvent{Iter: 20})
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	files, err := filepath.Glob(filepath.Join(dir, "runs", "events.out.tfevents.1700000000.*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	have, err := os.ReadFile(files[0])
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join("testdata", "events.bin"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, have), "%x\n%x", want, have)
}

func TestTensorBoardFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := OpenTensorBoard(file, 0)
	require.ErrorContains(t, err, "report: ")
}
