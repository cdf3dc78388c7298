package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/ringtest"
	"forge.lthn.ai/core/go-mlx/train"
)

// inRing runs the command in two processes that form a ring. The second is interrupted
// when stop ends.
func inRing(t *testing.T, stop context.Context, args []string) []ringtest.Ended {
	t.Helper()
	return ringtest.Run(t, 2, func(ctx context.Context, rank int) *exec.Cmd {
		if rank == 1 {
			with, cancel := context.WithCancel(ctx)
			context.AfterFunc(stop, cancel)
			ctx = with
		}
		cmd := programIn(t, ctx, args...)
		cmd.Env = append(cmd.Env, "OPENBLAS_NUM_THREADS=1")
		if rank == 1 {
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
		}
		return cmd
	})
}

// Two processes that a launcher started have the losses of one; the first of them
// speaks and writes, the other is silent.
func TestTrainInTwoProcesses(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	args := trainArgs(t, one, "--iters=20", "--test")
	for _, set := range []string{"valid", "test"} { // one process takes a row that two cannot share
		path := filepath.Join(args[4], set+".jsonl")
		rows, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(rows, rows...), 0o600))
	}
	o := call(t, "", args...)
	require.Equal(t, 0, o.code, o.err)
	ended := inRing(t, t.Context(), append(args, "--adapter-path", two))
	for rank, e := range ended {
		require.Zero(t, e.Code, "rank %d: %s", rank, e.Err)
	}
	require.Empty(t, ended[1].Out+ended[1].Err)
	require.Equal(t, strings.ReplaceAll(o.out, one, two), ended[0].Out)
	want, have := history(t, one), history(t, two)
	require.Len(t, have.Steps, len(want.Steps))
	for i, s := range want.Steps {
		require.InDelta(t, s.Loss, have.Steps[i].Loss, 1e-4)
		require.Equal(t, s.Tokens, have.Steps[i].Tokens)
	}
	require.InDelta(t, want.Evals[2].Loss, have.Evals[2].Loss, 1e-4)
	require.Len(t, adapterOf(t, two), len(adapterOf(t, one)))
}

// When one of two processes is interrupted both end after the same iteration, whose
// checkpoint both take up again.
func TestTrainInTwoProcessesInterrupted(t *testing.T) {
	out := filepath.Join(t.TempDir(), "adapters")
	args := trainArgs(t, out, "--save-every=1000000", "--steps-per-eval=1000000")
	stop, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		for stop.Err() == nil {
			if lines, _ := os.ReadFile(filepath.Join(out, "metrics.jsonl")); strings.Count(string(lines), "\n") > 4 {
				interrupt()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	ended := inRing(t, stop, append(args, "--iters=1000000"))
	require.Equal(t, exitInterrupted, ended[1].Code, ended[1].Err)
	require.Equal(t, exitFailed, ended[0].Code, ended[0].Err)
	require.Contains(t, ended[0].Err, "is saved; the same command with --resume goes on\nmlx: train: iteration ")
	require.Contains(t, ended[0].Err, ": a process of the group was interrupted")
	path, err := train.Latest(out)
	require.NoError(t, err)
	var iter int
	_, err = fmt.Sscanf(filepath.Base(path), "checkpoint-%d", &iter)
	require.NoError(t, err)
	for rank, e := range inRing(t, t.Context(), append(args, "--resume", fmt.Sprintf("--iters=%d", iter+5))) {
		require.Zero(t, e.Code, "rank %d: %s", rank, e.Err)
	}
	require.Len(t, history(t, out).Begins, 1)
}
