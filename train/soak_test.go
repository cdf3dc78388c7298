package train_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
)

// Neither handles nor memory grow over 500 steps of two lengths, with evaluations and
// checkpoints among them.
func TestFlatOver500Steps(t *testing.T) {
	if testing.Short() {
		t.Skip("500 steps")
	}
	leaktest.Check(t)
	type use struct {
		live   int
		active uint64
	}
	var seen []use
	look := func(e train.Event) error {
		if s, ok := e.(train.StepEvent); !ok || s.Iter%50 != 0 {
			return nil
		}
		return mlx.Do(t.Context(), func(th *mlx.Thread) error {
			active, err := th.ActiveMemory()
			live := 0
			for _, n := range mlx.Live() {
				live += n
			}
			seen = append(seen, use{live, active})
			return err
		})
	}
	l, _ := trainTiny(t, newSource(), train.WithIters(500), train.WithReportEvery(10), train.WithObserver(look), train.WithDir(t.TempDir()),
		train.WithSaveEvery(100), train.WithValidation(&source{rows: 2, batches: 3}, -1), train.WithEvalEvery(100))
	require.Less(t, l[500], 0.5)
	require.Len(t, seen, 10)
	for _, u := range seen[1:] {
		require.Equal(t, seen[0].live, u.live)
		// Buffers go back a moment after the step; one kilobyte a step would be 450.
		require.InDelta(t, float64(seen[0].active), float64(u.active), 64<<10)
	}
}

// A run leaves nothing of the model behind: the graph of a compiled step holds the
// weights that it does not train.
func TestNothingStaysOfAModel(t *testing.T) {
	leaktest.Check(t)
	active := func() (n uint64) {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
			n, err = th.ActiveMemory()
			return err
		}))
		return n
	}
	before := active()
	m := tinyModel(t)
	nn.Freeze(m.Module())
	nn.Unfreeze(m.Module(), "model.norm.weight")
	run, err := train.New(t.Context(), m, newSource(), options(losses{}, train.WithIters(3))...)
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
	require.NoError(t, m.Close())
	require.Eventually(t, func() bool { return active() <= before }, 5*time.Second, 10*time.Millisecond,
		"bytes that were free before: %d", before)
}
