package train_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/ringtest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
)

const ringMarker = "GO_MLX_TEST_TRAIN_RING"

// trained is what a process of the ring tells of its run.
type trained struct {
	Losses  losses
	Evals   []float64
	Weights map[string][]float32
}

// groupOptions are those of the runs that are compared.
func groupOptions(out *trained) []train.Option {
	return options(out.Losses, train.WithIters(10), train.WithAccumulation(2), train.WithReportEvery(2), train.WithClip(1), train.WithEvalEvery(5),
		train.WithObserver(func(e train.Event) error {
			if e, ok := e.(train.EvalEvent); ok {
				out.Evals = append(out.Evals, e.Loss)
			}
			return nil
		}))
}

// Two processes with half of each batch train as one does with all of it; the first
// of them saves.
func TestTwoProcessesTrainAsOne(t *testing.T) {
	if dir := os.Getenv(ringMarker); dir != "" {
		trainInRing(t, dir)
		return
	}
	leaktest.Check(t)
	want := trained{Losses: losses{}}
	valid := &source{rows: 4, batches: 3}
	_, want.Weights = trainTiny(t, newSource(), append(groupOptions(&want), train.WithValidation(valid, -1))...)

	dir := t.TempDir()
	for rank, e := range ringtest.Run(t, 2, func(ctx context.Context, _ int) *exec.Cmd {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTwoProcessesTrainAsOne$", "-test.v")
		cmd.Env = append(os.Environ(), ringMarker+"="+dir)
		return cmd
	}) {
		require.Zero(t, e.Code, "rank %d:\n%s%s", rank, e.Out, e.Err)
	}
	for rank := range 2 {
		text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(rank)+".json"))
		require.NoError(t, err)
		var have trained
		require.NoError(t, json.Unmarshal(text, &have))
		require.Len(t, have.Losses, len(want.Losses))
		for iter, loss := range want.Losses {
			require.InDelta(t, loss, have.Losses[iter], 1e-5, "rank %d, iteration %d", rank, iter)
		}
		require.InDeltaSlice(t, want.Evals, have.Evals, 1e-4)
		requireNear(t, want.Weights, have.Weights, 2e-4)
	}
	require.Equal(t, []string{"checkpoint-0000010"}, folder(t, filepath.Join(dir, "run"))[1:])
}

// trainInRing is what a process of the ring does.
func trainInRing(t *testing.T, dir string) {
	var g *mlx.Group
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
		g, err = mlx.InitDistributed(th, "ring", true)
		return err
	}))
	out := trained{Losses: losses{}}
	src, valid := newSource(), &source{rows: 4, batches: 3, share: g.Rank(), of: 2}
	src.share, src.of = g.Rank(), 2
	_, out.Weights = trainTiny(t, src, append(groupOptions(&out), train.WithGroup(g), train.WithValidation(valid, -1),
		train.WithDir(filepath.Join(dir, "run")))...)
	require.NoError(t, mlx.Do(t.Context(), func(*mlx.Thread) error { return g.Close() }))
	text, err := json.Marshal(out)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(g.Rank())+".json"), text, 0o600))
}
