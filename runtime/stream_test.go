package runtime_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func newStream(t *testing.T, th *mlx.Thread) mlx.Stream {
	t.Helper()
	st, err := th.NewStream()
	require.NoError(t, err)
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// zigzag computes ((x*w+1)*w+1)..., step by step on the stream that pick names, so
// that every step waits for another stream.
func zigzag(s *mlx.Scope, x, w mlx.Array, steps int, pick func(i int) mlx.Stream) mlx.Array {
	one := s.Scalar(1, mlx.Float32)
	side := x
	for i := range steps {
		x = s.On(pick(i), func(s *mlx.Scope) mlx.Array { return s.Add(s.Matmul(x, w), one) })
		if i%3 == 0 { // a branch that the other streams join later
			side = s.On(pick(i+1), func(s *mlx.Scope) mlx.Array { return s.Add(s.Tanh(x), s.Multiply(side, one)) })
		}
		x = s.Divide(x, s.Max(s.Abs(x), false))
	}
	return s.Add(x, side)
}

// Steps on three streams by turns give, bit by bit, what one stream gives.
func TestStreamsWaitForEachOther(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, b := newStream(t, th), newStream(t, th)
		picks := []mlx.Stream{th.Stream(), a, b}
		key, err := th.RandomKey(3)
		require.NoError(t, err)
		defer key.Close()
		w := build(t, th, func(s *mlx.Scope) mlx.Array { return s.RandomNormal([]int{48, 48}, mlx.Float32, 0, 1, key) })
		defer w.Close()
		one := func(int) mlx.Stream { return th.Stream() }
		want := read[float32](t, th, build(t, th, func(s *mlx.Scope) mlx.Array { return zigzag(s, w, w, 40, one) }))
		rounds := 60
		if testing.Short() {
			rounds = 10
		}
		for round := range rounds {
			y := build(t, th, func(s *mlx.Scope) mlx.Array {
				return zigzag(s, w, w, 40, func(i int) mlx.Stream { return picks[(i*7+round)%3] })
			})
			if round%2 == 0 {
				require.NoError(t, th.AsyncEval(y))
			}
			require.Equal(t, want, read[float32](t, th, y), "round %d", round)
		}
	})
}

// What one AsyncEval computes on a stream, the next reads on another.
func TestStreamsWaitAcrossEvals(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		streams := []mlx.Stream{newStream(t, th), newStream(t, th)}
		x := slice(t, th, make([]float32, 4096))
		for i := range 200 {
			next := build(t, th, func(s *mlx.Scope) mlx.Array {
				return s.On(streams[i%2], func(s *mlx.Scope) mlx.Array { return s.Add(x, s.Scalar(1, mlx.Float32)) })
			})
			require.NoError(t, th.AsyncEval(next))
			require.NoError(t, x.Close())
			x = next
		}
		require.NoError(t, th.Synchronize(streams...))
		got := read[float32](t, th, x)
		require.Equal(t, float32(200), got[0])
		require.Equal(t, float32(200), got[4095])
	})
}

func TestOnReturnsToTheStreamBefore(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, b := newStream(t, th), newStream(t, th)
		require.Equal(t, th.Stream().Device(), a.Device())
		require.Equal(t, mlx.Device{Type: mlx.CPU}, th.CPUStream().Device())
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			return s.On(a, func(s *mlx.Scope) mlx.Array {
				x := s.On(b, func(s *mlx.Scope) mlx.Array { return mlx.Const(s, []int32{1}) })
				require.Equal(t, a.Device(), s.Device())
				s.On(th.CPUStream(), func(s *mlx.Scope) mlx.Array {
					require.Equal(t, mlx.Device{Type: mlx.CPU}, s.Device())
					return x
				})
				require.PanicsWithValue(t, "stop", func() { s.On(b, func(*mlx.Scope) mlx.Array { panic("stop") }) })
				return s.Add(x, x)
			})
		})
		require.NoError(t, a.Close()) // the work on it is done all the same
		require.Equal(t, []int32{2}, read[int32](t, th, y))
		z := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Zeros(nil, mlx.Int32) })
		require.Equal(t, []int32{0}, read[int32](t, th, z))
	})
}

func TestStreamsThatCannotServe(t *testing.T) {
	leaktest.Check(t)
	other := mlx.NewWorker()
	var foreign mlx.Stream
	require.NoError(t, other.Do(t.Context(), func(th *mlx.Thread) (err error) {
		foreign, err = th.NewStream()
		return err
	}))
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		closed := newStream(t, th)
		require.NoError(t, closed.Close())
		require.NoError(t, closed.Close())
		for says, st := range map[string]mlx.Stream{
			"the stream is none":                {},
			"the stream is closed":              closed,
			"the stream belongs to another Wor": foreign,
		} {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				return s.On(st, func(*mlx.Scope) mlx.Array {
					t.Error("it ran")
					return mlx.Array{}
				})
			})
			require.ErrorContains(t, err, "mlx: on: "+says)
			require.ErrorContains(t, err, "(stream_test.go:")
			require.ErrorContains(t, th.Synchronize(st), "mlx: synchronize: "+says)
		}
		require.NoError(t, th.Stream().Close(), "the thread's own: nothing happens")
		require.NoError(t, th.Synchronize(th.Stream()))
		_, err := th.NewStreamOn(mlx.Device{Type: mlx.CPU, Index: 9})
		require.ErrorContains(t, err, "there is no cpu:9")
		return nil
	}))
	require.NoError(t, other.Stop(), "it ends the streams that are open")
	require.NoError(t, foreign.Close())
	var dead *mlx.Thread
	_, err := dead.NewStream()
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
	require.ErrorIs(t, dead.Synchronize(), mlx.ErrOutsideDo)
	require.Equal(t, [2]mlx.Stream{}, [2]mlx.Stream{dead.Stream(), dead.CPUStream()})
}

// MLX keeps the OS thread of a CPU stream for ever: a stream that was closed is
// given out again.
func TestStreamsAreReused(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		open := func(n int) {
			var all []mlx.Stream
			for range n {
				st := newStream(t, th)
				y := build(t, th, func(s *mlx.Scope) mlx.Array {
					return s.On(st, func(s *mlx.Scope) mlx.Array { return s.Zeros([]int{8}, mlx.Float32) })
				})
				require.NoError(t, th.Eval(y))
				require.NoError(t, y.Close())
				all = append(all, st)
			}
			for _, st := range all {
				require.NoError(t, st.Close())
			}
		}
		open(3)
		live, threads := mlx.Live(), osThreads(t)
		for range 50 {
			open(3)
		}
		require.Equal(t, live, mlx.Live())
		require.Less(t, osThreads(t), threads+20, "150 streams more would be 150 threads")
	})
}

// osThreads counts the threads of the process.
func osThreads(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("counts threads in /proc")
	}
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(tasks)
}
