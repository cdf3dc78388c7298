package runtime_test

import (
	"errors"
	stdruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestOwnerFreesOnClose(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		before := mlx.Live()["Array"]
		o := th.NewOwner("weights")
		a := o.Keep(slice(t, th, []float32{1, 2}))
		require.Equal(t, mlx.Array{}, o.Keep(mlx.Array{}))
		slot := o.Slot(slice(t, th, []float32{3, 4}))
		empty := o.Slot(mlx.Array{})
		for range 5 {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				s.Assign(slot, s.Add(a, *slot))
				s.Assign(empty, a)
				return nil
			})
			require.NoError(t, err)
		}
		require.Equal(t, before+3, mlx.Live()["Array"])
		v, err := mlx.Values[float32](th, *slot)
		require.NoError(t, err)
		require.Equal(t, []float32{8, 14}, v)

		require.NoError(t, o.Close())
		require.Equal(t, before, mlx.Live()["Array"])
		require.Equal(t, mlx.Array{}, *slot)
		require.NoError(t, o.Close())
		require.Equal(t, mlx.Array{}, o.Keep(slice(t, th, []float32{5})), "a closed owner keeps nothing")
		require.Equal(t, mlx.Array{}, *o.Slot(slice(t, th, []float32{6})))
	})
}

func TestOwnerIsClosedFromAnyGoroutine(t *testing.T) {
	before := mlx.Live()["Array"]
	var owners []*mlx.Owner
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		for range 32 {
			o := th.NewOwner("many")
			for range 4 {
				o.Keep(slice(t, th, []float32{1}))
			}
			owners = append(owners, o)
		}
		return nil
	}))
	var group sync.WaitGroup
	for _, o := range owners {
		for range 2 {
			group.Go(func() {
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	require.Equal(t, before, mlx.Live()["Array"])
}

func TestWhatComesTooLateIsGoneWhenDoReturns(t *testing.T) {
	requireAlive(t)
	live := mlx.Live()
	for range 500 {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			o := th.NewOwner("closed")
			require.NoError(t, o.Close())
			o.Keep(slice(t, th, []float32{5}))
			return nil
		}))
		require.Equal(t, live, mlx.Live())
	}
}

// TestOwnerThatIsDroppedIsFreedAndCounted runs in a process of its own, for
// leaks fail the run.
func TestOwnerThatIsDroppedIsFreedAndCounted(t *testing.T) {
	inChild(t, func() {
		require.NoError(t, mlx.Do(t.Context(), func(*mlx.Thread) error { return nil }))
		before := mlx.Live()["Array"]
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			o := th.NewOwner("forgotten")
			o.Keep(slice(t, th, []float32{1}))
			o.Slot(slice(t, th, []float32{2}))
			return nil
		}))
		require.Eventually(t, func() bool {
			stdruntime.GC()
			return mlx.Live()["Array"] == before
		}, 5*time.Second, time.Millisecond)
		require.Equal(t, 2, mlx.Leaked())
		require.Equal(t, map[string]int{"forgotten": 2}, mlx.LeakedBy())
	}, `2 dropped without Close by owner "forgotten"`)
}

func TestStopFreesAndCountsWhatOwnersHold(t *testing.T) {
	inChild(t, func() {
		w := mlx.NewWorker()
		var o *mlx.Owner
		require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) error {
			o = th.NewOwner("open")
			o.Keep(slice(t, th, []float32{1}))
			return nil
		}))
		require.NoError(t, w.Stop())
		require.Empty(t, mlx.Live())
		require.Equal(t, 1, mlx.Leaked())
		require.NoError(t, o.Close())
	}, `1 dropped without Close by owner "open"`)
}

func TestLeakTestNamesWhoOpened(t *testing.T) {
	inChild(t, func() {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			_, err := mlx.FromSlice(th, []float32{1})
			return err
		}))
	}, "1 Array\n", "TestLeakTestNamesWhoOpened", "owner_test.go")
}

func TestNewOwnerOutsideOfDo(t *testing.T) {
	var dead *mlx.Thread
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error { dead = th; return nil }))
	o := dead.NewOwner("late")
	require.Equal(t, mlx.Array{}, o.Keep(mlx.Array{}))
	require.NoError(t, errors.Join(o.Close(), o.Close()))
}
