package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const mib = 1 << 20

// amount reads a counter or a limit.
func amount(t *testing.T, n uint64, err error) uint64 {
	t.Helper()
	require.NoError(t, err)
	return n
}

// filled is an evaluated array of so many bytes.
func filled(t *testing.T, th *mlx.Thread, size int) mlx.Array {
	t.Helper()
	a := build(t, th, func(s *mlx.Scope) mlx.Array {
		x := s.Full([]int{size}, s.Scalar(1, mlx.Uint8), mlx.Uint8)
		return s.Add(x, x)
	})
	require.NoError(t, th.Eval(a))
	return a
}

func TestMemoryCounters(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		const size = 16 * mib
		active := func() uint64 { n, err := th.ActiveMemory(); return amount(t, n, err) }
		peak := func() uint64 { n, err := th.PeakMemory(); return amount(t, n, err) }
		require.NoError(t, th.ClearCache())
		require.NoError(t, th.ResetPeakMemory())
		before := active()
		x := filled(t, th, size)
		require.GreaterOrEqual(t, active(), before+size)
		require.Less(t, active(), before+size+mib)
		require.NoError(t, x.Close())
		require.Less(t, active(), before+mib)
		require.GreaterOrEqual(t, peak(), before+size, "the peak stays")
		require.NoError(t, th.ResetPeakMemory())
		y := filled(t, th, mib)
		require.Less(t, peak(), before+8*mib, "it starts afresh")
		require.NoError(t, y.Close())
	})
}

func TestCacheLimit(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		const size = 8 * mib
		cached := func() uint64 { n, err := th.CacheMemory(); return amount(t, n, err) }
		limit := func(n uint64) uint64 { was, err := th.SetCacheLimit(n); return amount(t, was, err) }
		fill := func() {
			x := filled(t, th, size)
			require.NoError(t, x.Close())
			require.NoError(t, th.Synchronize())
		}
		was := limit(4 * size)
		defer limit(was)
		require.NoError(t, th.ClearCache())
		require.Zero(t, cached())
		fill()
		require.GreaterOrEqual(t, cached(), uint64(size), "what was freed is kept")

		require.Equal(t, uint64(4*size), limit(0), "the limit before")
		if d, err := th.Device(); err == nil && d.Type == mlx.CPU {
			require.Zero(t, cached(), "what is beyond the limit goes at once")
		}
		fill()
		require.Less(t, cached(), uint64(mib), "nothing is kept")
		limit(4 * size)
		fill()
		require.GreaterOrEqual(t, cached(), uint64(size))
		require.NoError(t, th.ClearCache())
		require.Zero(t, cached())
	})
}

// A memory limit is a guideline: work that needs more waits for what is running
// and then goes on.
// In a process of its own: MLX loses count of its tasks when an operation cannot be
// handed to a CPU stream that failed before, and over its limit it then waits for
// ever (scheduler.h, 0.32.2).
func TestMemoryLimit(t *testing.T) {
	out, err := child(t, nil, func() { memoryLimit(t) })
	require.NoError(t, err, out)
}

func memoryLimit(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		set := func(n uint64) uint64 { was, err := th.SetMemoryLimit(n); return amount(t, was, err) }
		get := func() uint64 { n, err := th.MemoryLimit(); return amount(t, n, err) }
		was := get()
		defer set(was)
		require.Equal(t, was, set(mib))
		require.Equal(t, uint64(mib), get())
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			x := s.Ones([]int{mib}, mlx.Float32)
			for range 20 {
				x = s.Add(x, s.Ones([]int{mib}, mlx.Float32))
			}
			return s.Max(x, false)
		})
		require.Equal(t, []float32{21}, read[float32](t, th, y))
		require.Equal(t, uint64(mib), set(was))
	})
}

func TestWiredLimit(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		info, err := th.DeviceInfo()
		require.NoError(t, err)
		if info["max_recommended_working_set_size"] == "" { // not Metal
			_, err = th.SetWiredLimit(mib)
			require.ErrorContains(t, err, "mlx: set_wired_limit: only Metal wires memory")
			require.ErrorContains(t, err, "(memory_test.go:")
			return
		}
		was, err := th.SetWiredLimit(64 * mib)
		require.NoError(t, err)
		now, err := th.SetWiredLimit(was)
		require.NoError(t, err)
		require.Equal(t, uint64(64*mib), now)
		_, err = th.SetWiredLimit(1 << 62)
		require.Error(t, err)
	})
}
