package generate

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// means is what the toy says when it remembers size tokens, the first four and the
// last: it takes the mean of those for the mean of all.
func means(prompt []int32, size, n int) (want []int32) {
	kept := append([]int32(nil), prompt...)
	for seen := len(prompt); len(want) < n; seen++ {
		if over := len(kept) - size; over > 0 {
			kept = append(kept[:4:4], kept[4+over:]...)
		}
		sum := 0.0
		for _, k := range kept {
			sum += float64(k)
		}
		next := int32(math.RoundToEven(sum/float64(len(kept))*float64(seen))) % vocab
		want, kept = append(want, next), append(kept, next)
	}
	return want
}

// What is beyond the maximum size is forgotten.
func TestMaxKVSize(t *testing.T) {
	prompt := []int32{5, 11, 2, 7, 3}
	for _, size := range []int{8, 16} {
		r := collect(t, new(toy), prompt, nil, WithMaxTokens(40), WithMaxKVSize(size))
		require.NoError(t, r.err)
		require.Equal(t, means(prompt, size, 40), r.ids)
		require.NotEqual(t, sums(prompt, 40), r.ids)
	}
	r := collect(t, new(toy), prompt, nil, WithMaxTokens(40), WithMaxKVSize(45))
	require.NoError(t, r.err)
	require.Equal(t, sums(prompt, 40), r.ids, "everything fits")
}

// Whichever operation of a generation with a bounded or quantised cache fails, its
// error ends the stream and everything is freed.
func TestStreamEveryOperationMayFailWithKVOptions(t *testing.T) {
	prompt := []int32{1, 2, 3}
	for what, opts := range map[string][]Option{
		"bounded":   {WithMaxKVSize(4)},
		"quantised": {WithKVBits(8), WithKVGroupSize(32), WithQuantizedKVStart(4)},
	} {
		opts = append(opts, WithMaxTokens(4))
		want := collect(t, &toy{width: 32}, prompt, nil, opts...)
		require.NoError(t, want.err)
		for n := 1; ; n++ {
			boom := fmt.Errorf("operation %d", n)
			failAt(t, n, boom)
			r := collect(t, &toy{width: 32}, prompt, nil, opts...)
			if r.err == nil { // there are fewer than n operations
				failAt(t, 0, nil)
				require.Equal(t, want.ids, r.ids)
				require.Greater(t, n, 100, what)
				break
			}
			require.ErrorIs(t, r.err, boom)
			require.Equal(t, want.ids[:len(r.ids)], append([]int32{}, r.ids...))
		}
	}
}

// A generation goes on from a cache, which it leaves open; options that the cache
// was made with are refused.
func TestWithCache(t *testing.T) {
	prompt := []int32{1, 2, 3}
	want := sums(prompt, 12)
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		kv := new(toy).NewCache(th)
		defer kv.Close()
		var ids []int32
		for tok, err := range Stream(t.Context(), mlx.Default(), new(toy), prompt, nil, WithMaxTokens(5), WithCache(kv)) {
			require.NoError(t, err)
			ids = append(ids, tok.ID)
		}
		require.Equal(t, want[:5], ids)
		require.Equal(t, 7, kv.Offset(), "all but the last token")
		r := collect(t, new(toy), want[4:5], nil, WithMaxTokens(7), WithCache(kv))
		require.NoError(t, r.err)
		require.Equal(t, want[5:], r.ids)
		r = collect(t, new(toy), prompt, nil, WithCache(kv), WithMaxKVSize(4))
		require.EqualError(t, r.err, "generate: a cache that is given has its maximum size")
		return nil
	}))
}
