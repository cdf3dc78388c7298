package train_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
)

// Whichever operation of a run fails, its error comes back, nothing stays open, and
// the run can be made again.
func TestOperationsOfARunMayFail(t *testing.T) {
	leaktest.Check(t)
	m := tinyModel(t)
	failAt := func(n int, err error) {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			th.FailAt(n, err)
			return nil
		}))
	}
	for n, more := 1, true; more; n += 97 { // all of them take minutes
		boom, live := fmt.Errorf("operation %d", n), mlx.Live()
		failAt(n, boom)
		run, err := train.New(t.Context(), m, newSource(), options(losses{}, train.WithIters(2), train.WithAccumulation(2), train.WithClip(1),
			train.WithValidation(&source{rows: 2, batches: 3}, 1))...)
		if err == nil {
			err = errors.Join(run.Run(t.Context()), run.Close())
		}
		failAt(0, nil)
		if more = err != nil; more {
			require.ErrorIs(t, err, boom)
		} else {
			require.Greater(t, n, 1000)
		}
		require.Equal(t, live, mlx.Live())
	}
}
