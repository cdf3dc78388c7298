package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// A compiled function is traced once for each shape, or once for all.
func TestCompileTracesOnce(t *testing.T) {
	for _, shapeless := range []bool{false, true} {
		k := begin(t)
		calls := 0
		f := k.closure(bindings.Compile(k.cube(&calls), shapeless))
		for range 3 {
			out := k.list(f.Apply([]array{k.floats([]float32{1, -2})}))
			require.Equal(t, []float32{-7}, k.read(out[0]))
		}
		require.Equal(t, 1, calls)
		out := k.list(f.Apply([]array{k.floats([]float32{1, 2, 3})}))
		require.Equal(t, []float32{36}, k.read(out[0]))
		require.Equal(t, map[bool]int{false: 2, true: 1}[shapeless], calls)
	}
}

func TestDisableCompile(t *testing.T) {
	k := begin(t)
	require.NoError(t, bindings.DisableCompile())
	calls := 0
	f := k.closure(bindings.Compile(k.cube(&calls), false))
	for range 3 {
		k.list(f.Apply([]array{k.some()}))
	}
	require.NoError(t, bindings.EnableCompile())
	require.Equal(t, 3, calls)
	require.NoError(t, bindings.SetCompileMode(bindings.CompileModeNoFuse))
	require.NoError(t, bindings.SetCompileMode(bindings.CompileModeEnabled))
	_, err := bindings.Compile(bindings.Closure{}, false)
	k.fails(err, "compile", "non-empty mlx_closure", 1)
}

// The cache is the thread's: what is erased from it is traced again.
func TestCompileCache(t *testing.T) {
	k := begin(t)
	const id = 4711
	calls := 0
	f := k.closure(bindings.DetailCompile(k.cube(&calls), id, false, []uint64{3}))
	apply := func() { k.list(f.Apply([]array{k.some()})) }
	apply()
	apply()
	require.Equal(t, 1, calls)
	cache, err := bindings.DetailCompileCache()
	require.NoError(t, err)
	defer cache.Close()
	require.NoError(t, bindings.DetailCompileErase(cache, id))
	apply()
	require.Equal(t, 2, calls)
	require.NoError(t, bindings.DetailCompileClearCache(cache))
	apply()
	require.Equal(t, 3, calls)

	null, err := bindings.NewCompileCache()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	k.fails(bindings.DetailCompileErase(null, id), "detail_compile_erase", "non-empty mlx_compile_cache", 1)
	k.fails(bindings.DetailCompileClearCache(null), "detail_compile_clear_cache", "non-empty mlx_compile_cache", 1)
	_, err = bindings.DetailCompile(bindings.Closure{}, id, false, nil)
	k.fails(err, "detail_compile", "non-empty mlx_closure", 1)
}
