package train_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
)

// Neither handles nor memory grow over 500 steps of two lengths, with evaluations and
// checkpoints among them.
func TestFlatOver500Steps(t *testing.T) {
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
		require.InDelta(t, float64(seen[0].active), float64(u.active), 4096)
	}
}
