package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
)

// folder lists what is in a folder, hidden names included.
func folder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The newest checkpoints stay, and that of the best evaluation; each holds what
// WithFiles adds.
func TestCheckpointsAreKept(t *testing.T) {
	leaktest.Check(t)
	dir, best, saves := t.TempDir(), 0, 0
	rate := func(step int) float64 {
		if step < 8 {
			return 1e-2
		}
		return -1e-2 // away from the minimum
	}
	trainTiny(t, newSource(), train.WithSchedule(rate), train.WithIters(24), train.WithDir(dir), train.WithSaveEvery(3), train.WithKeep(2),
		train.WithValidation(&source{rows: 2, batches: 3}, -1), train.WithEvalEvery(4),
		train.WithFiles(func(dir string) error { return os.WriteFile(filepath.Join(dir, "note"), []byte("mine"), 0o600) }),
		train.WithObserver(func(e train.Event) error {
			switch e := e.(type) {
			case train.EvalEvent:
				if e.Best {
					best = e.Iter
				}
			case train.SaveEvent:
				saves++
				require.FileExists(t, filepath.Join(e.Path, "note"))
			}
			return nil
		}))
	require.Equal(t, 8, best)
	require.Equal(t, []string{"best", "checkpoint-0000008", "checkpoint-0000021", "checkpoint-0000024"}, folder(t, dir))
	require.Equal(t, 10, saves, "8 by 3, and after the evaluations 4 and 8")
	path, err := train.Best(dir)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "checkpoint-0000008"), path)
	require.Equal(t, []string{"note", "optimizer.safetensors", "state.json", "weights.safetensors"}, folder(t, path))
}

// Evaluations that do not get better end a run, with what it has saved.
func TestEarlyStop(t *testing.T) {
	leaktest.Check(t)
	var evals []train.EvalEvent
	run, err := train.New(t.Context(), tinyModel(t), newSource(), options(losses{}, train.WithSchedule(optim.Constant(-1e-3)), train.WithDir(t.TempDir()),
		train.WithValidation(&source{rows: 2, batches: 3}, 2), train.WithEvalEvery(2), train.WithEarlyStop(3),
		train.WithObserver(func(e train.Event) error {
			if e, ok := e.(train.EvalEvent); ok {
				evals = append(evals, e)
			}
			return nil
		}))...)
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.True(t, run.Stopped())
	require.Equal(t, 6, run.Iter())
	require.Len(t, evals, 4)
	require.True(t, evals[0].Best)
	require.False(t, evals[3].Best)
	require.Greater(t, evals[3].Loss, evals[0].Loss)
	require.NoError(t, run.Close())
}

// A loss that is no number ends the run; the last good checkpoint is as it was, and the
// run goes on from it.
func TestLossThatIsNotFinite(t *testing.T) {
	leaktest.Check(t)
	dir, rate := t.TempDir(), 1e-2
	l := losses{}
	opts := options(l, train.WithIters(12), train.WithSaveEvery(4), train.WithReportEvery(3),
		train.WithSchedule(func(step int) float64 {
			if step == 9 {
				return 1e38 * rate / 1e-2
			}
			return 1e-2
		}))
	run, err := train.New(t.Context(), tinyModel(t), newSource(), append(opts, train.WithDir(dir))...)
	require.NoError(t, err)
	err = run.Run(t.Context())
	require.ErrorIs(t, err, train.ErrNotFinite)
	require.ErrorContains(t, err, "train: iteration 1")
	require.ErrorIs(t, run.Save(), train.ErrNotFinite)
	require.NoError(t, run.Close())
	require.Equal(t, []string{"checkpoint-0000004", "checkpoint-0000008"}, folder(t, dir))

	rate = 1e-40 // of the step that went wrong
	run, err = train.Resume(t.Context(), tinyModel(t), newSource(), dir, opts...)
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
	require.False(t, math.IsNaN(l[12]))
}

// A run that is interrupted saves, and goes on as if it had not been.
func TestInterruptedRunGoesOn(t *testing.T) {
	leaktest.Check(t)
	want, w := trainTiny(t, newSource())
	dir, m, l := t.TempDir(), tinyModel(t), losses{}
	ctx, stop := context.WithCancel(t.Context())
	run, err := train.New(t.Context(), m, newSource(), options(l, train.WithDir(dir), train.WithObserver(func(e train.Event) error {
		if e, ok := e.(train.StepEvent); ok && e.Iter == 7 {
			stop()
		}
		return nil
	}))...)
	require.NoError(t, err)
	require.ErrorIs(t, run.Run(ctx), context.Canceled)
	require.Equal(t, 7, run.Iter())
	require.NoError(t, run.Save())
	require.NoError(t, run.Close())

	m = tinyModel(t)
	run, err = train.Resume(t.Context(), m, newSource(), dir, options(l)...)
	require.NoError(t, err)
	require.Equal(t, 7, run.Iter())
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
	require.Equal(t, want, l)
	require.Equal(t, w, weights(t, m))
}

// A resume with other settings names them, and changes nothing.
func TestResumeWithOtherSettings(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	trainTiny(t, newSource(), train.WithDir(dir))
	m := tinyModel(t)
	before := weights(t, m)
	for want, opt := range map[string]train.Option{
		"accumulation: 1, now 2":                         train.WithAccumulation(2),
		"gradient clip: 0, now 1.5":                      train.WithClip(1.5),
		"seed: 0, now 9":                                 train.WithSeed(9),
		"recompute: false, now true":                     train.WithRecompute(),
		"learning rate: 0.01, 0.01, 0.01, 0.01, 0.01, 0": train.WithSchedule(optim.Constant(2e-2)),
		"optimizer: ":                                    train.WithOptimizer(optim.NewSGD()),
	} {
		_, err := train.Resume(t.Context(), m, newSource(), dir, options(losses{}, opt)...)
		require.ErrorIs(t, err, train.ErrSettings)
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, before, weights(t, m))
	_, err := train.New(t.Context(), m, newSource(), options(losses{}, train.WithDir(dir))...)
	require.ErrorContains(t, err, "holds checkpoints of another run")
	_, err = train.Resume(t.Context(), m, newSource(), t.TempDir(), options(losses{})...)
	require.ErrorContains(t, err, "holds no checkpoint")

	path, err := train.Latest(dir)
	require.NoError(t, err)
	for text, want := range map[string]string{
		`{"version":2}`:                         "version 2, want 1",
		`{"version":1,"more":1}`:                `unknown field "more"`,
		`{"version":1,"position":{"epoch":-1}}`: "cannot be negative",
		`nonsense`:                              "state.json: invalid character",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(path, "state.json"), []byte(text), 0o600))
		_, err = train.Resume(t.Context(), m, newSource(), dir, options(losses{})...)
		require.ErrorContains(t, err, want)
	}
}

// Where the disk is full, the run ends with that, and what was saved before is whole.
func TestFullDisk(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	mountTmpfs(t, dir, 256<<10)
	fill := func(string) error { return nil }
	opts := options(losses{}, train.WithIters(12), train.WithSaveEvery(4), train.WithKeep(1),
		train.WithFiles(func(dir string) error { return fill(dir) }))
	run, err := train.New(t.Context(), tinyModel(t), newSource(), append(opts, train.WithDir(dir), train.WithObserver(func(e train.Event) error {
		if e, ok := e.(train.SaveEvent); ok && e.Iter == 4 {
			fill = func(dir string) error { return os.WriteFile(filepath.Join(dir, "large"), make([]byte, 256<<10), 0o600) }
		}
		return nil
	}))...)
	require.NoError(t, err)
	err = run.Run(t.Context())
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "train: iteration 8: checkpoint "+filepath.Join(dir, "checkpoint-0000008"))
	require.NoError(t, run.Close())
	require.Equal(t, []string{"checkpoint-0000004"}, folder(t, dir))

	fill = func(string) error { return nil }
	run, err = train.Resume(t.Context(), tinyModel(t), newSource(), dir, opts...)
	require.NoError(t, err)
	require.Equal(t, 4, run.Iter())
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
}

// Errors of observers and of the data come back, with the iteration.
func TestErrorsOfOthers(t *testing.T) {
	leaktest.Check(t)
	mine := errors.New("mine")
	src := newSource()
	run, err := train.New(t.Context(), tinyModel(t), src, options(losses{}, train.WithObserver(func(e train.Event) error {
		if e, ok := e.(train.StepEvent); ok && e.Iter == 2 {
			return mine
		}
		return nil
	}))...)
	require.NoError(t, err)
	require.ErrorIs(t, run.Run(t.Context()), mine)
	src.spoil = func(int, *data.Batch) error { return mine }
	require.ErrorContains(t, run.Run(t.Context()), "train: iteration 2: data: mine")
	require.NoError(t, run.Close())
}
