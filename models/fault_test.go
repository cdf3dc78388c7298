package models

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Whichever operation of a prompt or a step fails, its error comes back, nothing
// is left open and the cache is as it was: the next try gives the right logits.
func TestEveryOperationOfAModelMayFail(t *testing.T) {
	for _, name := range []string{"gqa", "q4", "llama3"} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			m := loadTest(t, tiny(t, name), WithWeights(Packed))
			leaktest.Do(t, func(th *mlx.Thread) {
				ref := readReference(t, th, name)
				kv := m.NewCache(th)
				defer func() { require.NoError(t, kv.Close()) }()
				batch := ref.shape[0]
				failEach(t, th, m, kv, ref.columns(0, 5), batch, 5)
				chunk := forward(t, th, m, kv, ref.columns(0, 5), batch, 5)
				requireClose(t, ref.at(4), lastOf(chunk, batch, 5), 1e-5, "the prompt")
				failEach(t, th, m, kv, ref.columns(5, 6), batch)
				step := forward(t, th, m, kv, ref.columns(5, 6), batch)
				requireClose(t, ref.at(5), step, 1e-5, "the step")
			})
		})
	}
}

// failEach lets operation n of a forward pass fail, for every n.
func failEach(t *testing.T, th *mlx.Thread, m *Model, kv *cache.Cache, tokens []int32, shape ...int) {
	t.Helper()
	in, err := mlx.FromSlice(th, tokens, shape...)
	require.NoError(t, err)
	defer func() { require.NoError(t, in.Close()) }()
	offset, state, live := kv.Offset(), kv.State(), mlx.Live()
	discard := errors.New("this pass is not to count")
	for n := 1; ; n++ {
		boom := fmt.Errorf("operation %d", n)
		th.FailAt(n, boom)
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			out := m.Forward(s, in, kv)
			if s.Err() == nil {
				s.Fail(discard)
			}
			return out
		})
		require.Equal(t, offset, kv.Offset())
		require.Equal(t, state, kv.State())
		require.Equal(t, live, mlx.Live())
		if errors.Is(err, discard) { // there are fewer than n operations
			require.Greater(t, n, 20)
			th.FailAt(0, nil)
			return
		}
		require.ErrorIs(t, err, boom)
	}
}
