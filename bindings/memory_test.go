package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

// amount reads a counter of MLX's allocator.
func (k kit) amount(read func() (uint64, error)) uint64 {
	k.Helper()
	n, err := read()
	require.NoError(k, err)
	return n
}

func TestMemoryCounters(t *testing.T) {
	k := begin(t)
	require.NoError(t, bindings.ClearCache())
	require.Zero(t, k.amount(bindings.GetCacheMemory))
	require.NoError(t, bindings.ResetPeakMemory())
	before := k.amount(bindings.GetActiveMemory)

	a, err := bindings.Ones([]int32{1024, 1024}, bindings.Float32, k.s)
	require.NoError(t, err)
	require.Less(t, k.amount(bindings.GetActiveMemory), before+mib, "nothing is evaluated yet")
	double, err := bindings.Add(a, a, k.s)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	require.NoError(t, double.Eval())
	require.GreaterOrEqual(t, k.amount(bindings.GetActiveMemory), before+4*mib)
	require.GreaterOrEqual(t, k.amount(bindings.GetPeakMemory), before+4*mib)
	require.NoError(t, double.Close())
	require.Less(t, k.amount(bindings.GetActiveMemory), before+4*mib, "closing gives it back")
	require.NoError(t, bindings.ResetPeakMemory())
	require.Less(t, k.amount(bindings.GetPeakMemory), before+4*mib)
}

// A setter returns the limit before.
func TestMemoryLimits(t *testing.T) {
	k := begin(t)
	was, err := bindings.SetMemoryLimit(512 * mib)
	require.NoError(t, err)
	require.Equal(t, uint64(512*mib), k.amount(bindings.GetMemoryLimit))
	now, err := bindings.SetMemoryLimit(was)
	require.NoError(t, err)
	require.Equal(t, uint64(512*mib), now)
	require.Equal(t, was, k.amount(bindings.GetMemoryLimit))

	was, err = bindings.SetCacheLimit(64 * mib)
	require.NoError(t, err)
	now, err = bindings.SetCacheLimit(was)
	require.NoError(t, err)
	require.Equal(t, uint64(64*mib), now)

	// Only Metal wires memory; elsewhere the limit stays 0.
	was, err = bindings.SetWiredLimit(0)
	require.NoError(t, err)
	now, err = bindings.SetWiredLimit(was)
	require.NoError(t, err)
	require.Zero(t, now)
}
