package runtime_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// hammerRounds is how often each goroutine of a hammer strikes.
func hammerRounds() int {
	if testing.Short() {
		return 15
	}
	return 60
}

// square computes the sum of the squares of 1 to n, on streams and in a state.
func square(th *mlx.Thread, n int) (float32, error) {
	o := th.NewOwner("hammer")
	defer o.Close()
	side, err := th.NewStream()
	if err != nil {
		return 0, err
	}
	defer side.Close()
	zero, err := th.Zeros(mlx.Float32)
	if err != nil {
		return 0, err
	}
	sum := o.Slot(zero)
	_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		x := s.Arange(1, float64(n+1), 1, mlx.Float32)
		y := s.On(side, func(s *mlx.Scope) mlx.Array { return s.Square(x) })
		s.Assign(sum, s.Add(*sum, s.Sum(y, false)))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return mlx.Item[float32](th, *sum)
}

// wantSquare computes and looks at the result.
func wantSquare(th *mlx.Thread) error {
	v, err := square(th, 15)
	if err == nil && v != 1240 {
		err = errors.New("the squares of 1 to 15 are not 1240")
	}
	return err
}

// Workers that start, compute, and stop beside each other.
func TestHammerManyWorkers(t *testing.T) {
	leaktest.Check(t)
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for range rounds {
				w := mlx.NewWorker(mlx.WithDevice(mlx.Device{Type: mlx.CPU}))
				for range 10 {
					if err := w.Do(context.Background(), wantSquare); err != nil {
						t.Error(err)
					}
				}
				if err := w.Stop(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// One Worker from 64 goroutines that compute, fail, panic, end, and give up.
func TestHammerOneWorker(t *testing.T) {
	leaktest.Check(t)
	w := mlx.NewWorker()
	boom := errors.New("boom")
	var ran, gaveUp atomic.Int64
	strikes := []func(ctx context.Context){
		func(ctx context.Context) {
			if err := w.Do(ctx, wantSquare); err != nil {
				t.Error(err)
			}
			ran.Add(1)
		},
		func(ctx context.Context) {
			err := w.Do(ctx, func(th *mlx.Thread) error {
				_, err := th.Build(func(s *mlx.Scope) mlx.Array {
					s.Ones([]int{3}, mlx.Float32)
					s.Fail(boom)
					return mlx.Array{}
				})
				return err
			})
			if !errors.Is(err, boom) {
				t.Error(err)
			}
		},
		func(ctx context.Context) {
			defer func() {
				v := recover()
				if err, ok := v.(error); !ok || !errors.Is(err, boom) {
					t.Error("recovered", v)
				}
			}()
			_ = w.Do(ctx, func(th *mlx.Thread) error {
				_, err := th.Build(func(s *mlx.Scope) mlx.Array {
					s.Ones([]int{3}, mlx.Float32)
					panic(boom)
				})
				return err
			})
		},
		func(ctx context.Context) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = w.Do(ctx, func(*mlx.Thread) error { exit(); return nil })
				t.Error("Goexit returned")
			}()
			<-ended
		},
		func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(200))*time.Microsecond)
			defer cancel()
			err := w.Do(ctx, wantSquare)
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if err != nil {
				gaveUp.Add(1)
			}
		},
		func(ctx context.Context) { // an Owner goes from hand to hand
			var o *mlx.Owner
			if err := w.Do(ctx, func(th *mlx.Thread) error {
				o = th.NewOwner("handed on")
				x, err := mlx.FromSlice(th, []float32{1})
				o.Keep(x)
				return err
			}); err != nil {
				t.Error(err)
			}
			var closers sync.WaitGroup
			for range 2 {
				closers.Go(func() { _ = o.Close() })
			}
			closers.Wait()
		},
	}
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for j := range hammerRounds() {
				strikes[(i+j)%len(strikes)](context.Background())
			}
		})
	}
	group.Wait()
	require.NoError(t, w.Stop())
	require.Positive(t, ran.Load())
	t.Logf("%d computed, %d gave up", ran.Load(), gaveUp.Load())
}

// Stop from several goroutines while others compute: everyone gets a result or
// ErrStopped. Owners are closed from other goroutines during Do, and once more
// after Stop.
func TestHammerStop(t *testing.T) {
	leaktest.Check(t)
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for range rounds {
		w := mlx.NewWorker()
		owners := make([]*mlx.Owner, 16)
		require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) error {
			for i := range owners {
				owners[i] = th.NewOwner("closed during Do")
				owners[i].Keep(slice(t, th, []float32{float32(i)}))
			}
			return nil
		}))
		var computing sync.WaitGroup
		for range 8 {
			computing.Go(func() {
				for {
					err := w.Do(context.Background(), wantSquare)
					if errors.Is(err, mlx.ErrStopped) {
						return
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		fromMany(t, func() error {
			for _, o := range owners {
				if err := o.Close(); err != nil {
					return err
				}
			}
			return nil
		})
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		fromMany(t, w.Stop)
		computing.Wait()
		for _, o := range owners {
			require.NoError(t, o.Close())
			require.Equal(t, mlx.Array{}, o.Keep(mlx.Array{}))
		}
	}
}

// fromMany calls f from four goroutines at once.
func fromMany(t *testing.T, f func() error) {
	t.Helper()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// A context that ends while f runs is f's own business.
func TestContextThatEndsDuringDo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := mlx.Do(ctx, func(th *mlx.Thread) error {
		cancel()
		return wantSquare(th)
	})
	require.NoError(t, err)
	require.ErrorIs(t, mlx.Do(ctx, wantSquare), context.Canceled, "and after")
	cause := errors.New("its own")
	ctx, cancel = context.WithCancel(t.Context())
	require.ErrorIs(t, mlx.Do(ctx, func(*mlx.Thread) error { cancel(); return cause }), cause)
}

// Every kind of handle after its Close, and closed again.
func TestUseAfterClose(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Add(x, x) })
		lazy := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Add(y, x) })
		for range 2 {
			require.NoError(t, x.Close())
			require.NoError(t, y.Close())
		}
		require.Equal(t, []float32{3, 6}, read[float32](t, th, lazy), "what was built of them lives")
		_, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Add(x, x) })
		require.ErrorContains(t, err, "mlx: add: expected a non-empty mlx_array")
		_, err = mlx.Values[float32](th, x)
		require.ErrorContains(t, err, "mlx: values: the array is null")
		_, err = mlx.Item[float32](th, x)
		require.ErrorContains(t, err, "mlx: item: ")
		require.ErrorContains(t, th.Eval(x), "the array is null")
		_, err = th.Build(func(*mlx.Scope) mlx.Array { return x })
		require.ErrorContains(t, err, "result 0 is null")
		_, err = th.Build(func(s *mlx.Scope) mlx.Array { s.Assign(&y, x); return x })
		require.ErrorContains(t, err, "mlx: assign: the array is null")

		o := th.NewOwner("closed")
		slot := o.Slot(slice(t, th, []float32{1}))
		require.NoError(t, errors.Join(o.Close(), o.Close()))
		_, err = th.Build(func(s *mlx.Scope) mlx.Array { return s.Negative(*slot) })
		require.ErrorContains(t, err, "non-empty mlx_array")
		arrays := []mlx.Array{slice(t, th, []float32{1}), {}}
		require.NoError(t, errors.Join(mlx.CloseAll(arrays...), mlx.CloseAll(arrays...), mlx.CloseAll()))
	})
}
