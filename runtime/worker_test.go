package runtime_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestDoReturnsTheErrorOfItsFunction(t *testing.T) {
	want := errors.New("no luck")
	err := mlx.Do(t.Context(), func(*mlx.Thread) error { return want })
	require.Equal(t, want, err)
}

func TestDoInsideOfDoRunsInline(t *testing.T) {
	var order []string
	err := mlx.Do(t.Context(), func(outer *mlx.Thread) error {
		order = append(order, "before")
		err := mlx.Do(t.Context(), func(inner *mlx.Thread) error {
			order = append(order, "inside")
			_, err := inner.Device()
			return err
		})
		order = append(order, "after")
		_, err2 := outer.Device()
		return errors.Join(err, err2)
	})
	require.NoError(t, err)
	require.Equal(t, []string{"before", "inside", "after"}, order)
}

func TestDoFromManyGoroutinesRunsOneAtATime(t *testing.T) {
	var running, most, sum atomic.Int64
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for range 20 {
				err := mlx.Do(t.Context(), func(th *mlx.Thread) error {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					x, err := mlx.FromSlice(th, []int64{int64(i), 1})
					if err != nil {
						return err
					}
					defer x.Close()
					y, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Sum(x, false) })
					if err != nil {
						return err
					}
					defer y.Close()
					v, err := mlx.Item[int64](th, y)
					sum.Add(v)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, int64(1), most.Load())
	require.Equal(t, int64(20*(63*64/2+64)), sum.Load())
}

func TestDoWithACancelledContextDoesNotRun(t *testing.T) {
	cause, cancel := context.WithCancel(t.Context())
	cancel()
	err := mlx.Do(cause, func(*mlx.Thread) error {
		t.Error("it ran")
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)

	err = mlx.Do(t.Context(), func(*mlx.Thread) error {
		return mlx.Do(cause, func(*mlx.Thread) error {
			t.Error("it ran inside")
			return nil
		})
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestDoThatIsCancelledWhileItWaitsDoesNotRun(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_ = mlx.Do(context.Background(), func(*mlx.Thread) error {
			close(busy)
			<-release
			return nil
		})
	})
	<-busy
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := mlx.Do(ctx, func(*mlx.Thread) error {
		t.Error("it ran")
		return nil
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(release)
	group.Wait()
}

func TestPanicInDoReachesTheCallerAsItWas(t *testing.T) {
	type custom struct{ n int }
	value := &custom{7}
	require.PanicsWithValue(t, value, func() {
		_ = mlx.Do(t.Context(), func(*mlx.Thread) error { panic(value) })
	})
	require.PanicsWithValue(t, value, func() {
		_ = mlx.Do(t.Context(), func(*mlx.Thread) error {
			return mlx.Do(t.Context(), func(*mlx.Thread) error { panic(value) })
		})
	})
	requireAlive(t)
}

func TestGoexitInDoEndsTheCallerNotTheWorker(t *testing.T) {
	for range 3 { // also on a stack where a Goexit has been
		ended, returned := make(chan struct{}), false
		go func() {
			defer close(ended)
			_ = mlx.Do(context.Background(), func(th *mlx.Thread) error {
				_, _ = th.Build(func(s *mlx.Scope) mlx.Array {
					s.Zeros([]int{4}, mlx.Float32)
					exit()
					return mlx.Array{}
				})
				return nil
			})
			returned = true
		}()
		<-ended
		require.False(t, returned)
		requireAlive(t)
		require.Panics(t, func() { _ = mlx.Do(t.Context(), func(*mlx.Thread) error { panic("after") }) })
	}
}

// requireAlive requires that the default worker computes.
func requireAlive(t *testing.T) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Add(x, x) })
		require.Equal(t, []float32{2, 4}, read[float32](t, th, y))
	})
}

func TestThreadIsDeadAfterDo(t *testing.T) {
	var kept *mlx.Thread
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		kept = th
		return nil
	}))
	_, err := kept.Build(func(s *mlx.Scope) mlx.Array { return s.Zeros(nil, mlx.Float32) })
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
	_, err = mlx.FromSlice(kept, []float32{1})
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
	require.ErrorIs(t, kept.Eval(), mlx.ErrOutsideDo)
	_, err = kept.PeakMemory()
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
	require.Equal(t, mlx.Stream{}, kept.Stream())
}

func TestWorkersOfTheirOwn(t *testing.T) {
	before := mlx.Live()
	one, two := mlx.NewWorker(mlx.WithDevice(mlx.Device{})), mlx.NewWorker()
	compute := func(th *mlx.Thread) error {
		for range 50 {
			x, err := mlx.FromSlice(th, []float32{3})
			if err != nil {
				return err
			}
			y, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Multiply(x, x) })
			if err != nil {
				return err
			}
			if v, err := mlx.Item[float32](th, y); err != nil || v != 9 {
				t.Errorf("3*3 = %v, %v", v, err)
			}
			_, _ = x.Close(), y.Close()
		}
		return nil
	}
	var group sync.WaitGroup
	for _, w := range []*mlx.Worker{one, two} {
		group.Go(func() {
			if err := w.Do(t.Context(), compute); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.NoError(t, one.Do(t.Context(), func(*mlx.Thread) error {
		return two.Do(t.Context(), compute) // of another thread: it hops
	}))
	require.NoError(t, one.Stop())
	require.NoError(t, two.Stop())
	require.NoError(t, two.Stop())
	require.ErrorIs(t, two.Do(t.Context(), compute), mlx.ErrStopped)
	require.Equal(t, before, mlx.Live())
}

func TestStop(t *testing.T) {
	require.NoError(t, mlx.NewWorker().Stop(), "never started")

	w := mlx.NewWorker()
	require.ErrorContains(t, w.Do(t.Context(), func(*mlx.Thread) error { return w.Stop() }), "inside of Do")
	busy, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := w.Do(context.Background(), func(*mlx.Thread) error {
			close(busy)
			<-release
			return nil
		})
		if err != nil {
			t.Error("the function that ran:", err)
		}
	})
	<-busy
	waiting := make(chan error)
	go func() { waiting <- w.Do(context.Background(), func(*mlx.Thread) error { return nil }) }()
	go func() { time.Sleep(10 * time.Millisecond); close(release) }()
	require.NoError(t, w.Stop())
	if err := <-waiting; err != nil { // it ran if it came before Stop
		require.ErrorIs(t, err, mlx.ErrStopped)
	}
	group.Wait()
}

func TestDeviceThatIsNotThere(t *testing.T) {
	for _, d := range []mlx.Device{{Type: mlx.CPU, Index: 99}, {Type: mlx.GPU, Index: 99}, {Index: -1}} {
		w := mlx.NewWorker(mlx.WithDevice(d))
		err := w.Do(t.Context(), func(*mlx.Thread) error { return nil })
		require.ErrorContains(t, err, d.String())
		require.NoError(t, w.Stop())
	}
}

func TestDoWithoutTheLibrary(t *testing.T) {
	const marker = "GO_MLX_TEST_WITHOUT_LIBRARY"
	if os.Getenv(marker) != "" {
		err := mlx.Do(t.Context(), func(*mlx.Thread) error { return nil })
		require.Equal(t, 1, strings.Count(err.Error(), "mlx setup"), "%v", err)
		require.ErrorContains(t, mlx.Do(t.Context(), func(*mlx.Thread) error { return nil }), "mlx setup", "again")
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDoWithoutTheLibrary$", "-test.v")
	cmd.Env = append(os.Environ(), marker+"=1", "GO_MLX_LIBRARY_PATH="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS")
}
