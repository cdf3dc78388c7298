package runtime_test

import (
	"errors"
	"flag"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var soakLong = flag.Bool("soak", false, "soak with 10 million operations, some minutes")

// level is what a process holds between two steps.
type level struct {
	handles map[string]int
	active  uint64 // bytes of arrays
	rss     int    // bytes of the process, or 0 where nobody tells
	threads int
}

// Many operations, of builds that succeed, fail and panic, on two streams: open
// handles, arrays' memory and threads stay as they were, and the process its size.
func TestSoak(t *testing.T) {
	total := 200_000
	if *soakLong {
		total = 10_000_000
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		mlx.TraceHandles(false)
		defer mlx.TraceHandles(true)
		s := newSoak(t, th)
		defer s.state.Close()
		began := th.Ops()
		next, levels := total/10, []level{}
		for th.Ops()-began < total {
			s.step()
			if th.Ops()-began >= next {
				l := s.measure()
				t.Logf("%9d operations: %d arrays open, %d bytes of arrays, RSS %.1f MB, %d threads",
					th.Ops()-began, l.handles["Array"], l.active, float64(l.rss)/1e6, l.threads)
				levels = append(levels, l)
				next += total / 10
			}
		}
		first := levels[0]
		for _, l := range levels {
			require.Equal(t, first.handles, l.handles)
			require.Equal(t, first.active, l.active)
			require.LessOrEqual(t, l.threads, first.threads+4, "the Go runtime may add some")
			if !instrumented { // AddressSanitizer keeps what is freed for a while
				require.Less(t, l.rss, first.rss+first.rss/10+4*mib, "RSS")
			}
		}
	})
}

// soaked is the state of a soak.
type soaked struct {
	*testing.T
	th    *mlx.Thread
	state *mlx.Owner
	x     mlx.Array
	sum   *mlx.Array
	steps int
}

func newSoak(t *testing.T, th *mlx.Thread) *soaked {
	o := th.NewOwner("soak")
	return &soaked{t, th, o, o.Keep(slice(t, th, []float32{0.5, -1, 2, 0.25}, 2, 2)), o.Slot(slice(t, th, make([]float32, 4), 2, 2)), 0}
}

// step is some 60 operations, an evaluation, and what goes wrong now and then.
func (s *soaked) step() {
	side, err := s.th.NewStream()
	require.NoError(s, err)
	graph := func(b *mlx.Scope) mlx.Array {
		y := s.x
		for range 6 {
			y = b.On(side, func(b *mlx.Scope) mlx.Array { return b.Tanh(b.Matmul(y, b.Transpose(s.x))) })
			parts := b.Split(b.Add(y, b.Scalar(1, mlx.Float32)), 2, 0)
			if b.Err() != nil {
				return y
			}
			y = b.ConcatenateAxis([]mlx.Array{b.Exp(parts[1]), b.Negative(parts[0])}, 0)
			y = b.Divide(y, b.Max(b.Abs(y), false))
		}
		b.Assign(s.sum, b.Multiply(b.Add(*s.sum, y), b.Scalar(0.5, mlx.Float32)))
		return b.Sum(y, false)
	}
	y, err := s.th.Build(graph)
	require.NoError(s, err)
	require.NoError(s, s.th.Eval(y, *s.sum))
	_, err = mlx.Item[float32](s.th, y)
	require.NoError(s, errors.Join(err, y.Close(), side.Close()))
	if s.steps++; s.steps%8 == 0 {
		s.goWrong(graph)
	}
}

// goWrong builds what fails in MLX, what is made to fail, and what panics.
func (s *soaked) goWrong(graph func(b *mlx.Scope) mlx.Array) {
	_, err := s.th.Build(func(b *mlx.Scope) mlx.Array { return b.Reshape(b.Exp(s.x), 3, 3) })
	require.Error(s, err)
	s.th.FailAt(1+s.steps%20, nil)
	_, err = s.th.Build(func(b *mlx.Scope) mlx.Array {
		return b.Own(s.th.Build(func(b *mlx.Scope) mlx.Array { return graph(b) }))
	})
	require.Error(s, err)
	s.th.FailAt(0, nil)
	require.Panics(s, func() {
		_, _ = s.th.Build(func(b *mlx.Scope) mlx.Array { b.Exp(s.x); panic("stop") })
	})
}

// measure waits for what is being computed and looks.
func (s *soaked) measure() level {
	require.NoError(s, s.th.Synchronize())
	require.NoError(s, s.th.ClearCache())
	debug.FreeOSMemory()
	active, err := s.th.ActiveMemory()
	require.NoError(s, err)
	l := level{handles: mlx.Live(), active: active}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		require.NoError(s, err)
		l.rss, l.threads = pages*os.Getpagesize(), osThreads(s.T)
	}
	return l
}
