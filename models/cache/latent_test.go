package cache_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The sizes of a latent attention: heads, features of a query that meet the
// latent and that are turned, of the latent, of a value.
const latentHeads, latentPlain, latentTurned, latentRank, latentValue = 3, 5, 4, 6, 7

// latents are what a latent attention is given of a batch of sequences.
type latents struct {
	batch, length int
	window        int // of keys that a query sees; 0 for all

	plain, turned   []float32 // queries [B, H, L, n] and [B, H, L, p]
	latent, shared  []float32 // [B, 1, L, r] and [B, 1, L, p]
	toKeys, toValue []float32 // [H, r, n] and [H, dv, r]
}

func newLatents(batch, length int) *latents {
	tokens := batch * length
	return &latents{
		batch: batch, length: length,
		plain: waves(tokens*latentHeads*latentPlain, 0.7), turned: waves(tokens*latentHeads*latentTurned, 1.1),
		latent: waves(tokens*latentRank, 1.3), shared: waves(tokens*latentTurned, 2.9),
		toKeys: waves(latentHeads*latentRank*latentPlain, 0.3), toValue: waves(latentHeads*latentValue*latentRank, 1.9),
	}
}

// want is the attention of a head at position l, from keys and values that are
// made for every position, in double precision.
func (x *latents) want(b, h, l int) []float64 {
	query := (b*latentHeads+h)*x.length + l
	sum, out := 0.0, make([]float64, latentValue)
	for p := x.first(l); p <= l; p++ {
		at := b*x.length + p
		dot := 0.0
		for i := range latentTurned {
			dot += float64(x.turned[query*latentTurned+i]) * float64(x.shared[at*latentTurned+i])
		}
		for i := range latentPlain {
			key := 0.0
			for r := range latentRank {
				key += float64(x.toKeys[(h*latentRank+r)*latentPlain+i]) * float64(x.latent[at*latentRank+r])
			}
			dot += float64(x.plain[query*latentPlain+i]) * key
		}
		w := math.Exp(0.05 * dot)
		sum += w
		for i := range out {
			value := 0.0
			for r := range latentRank {
				value += float64(x.toValue[(h*latentValue+i)*latentRank+r]) * float64(x.latent[at*latentRank+r])
			}
			out[i] += w * value
		}
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// first is the oldest key that a query at position l sees.
func (x *latents) first(l int) int {
	if x.window == 0 {
		return 0
	}
	return max(0, l+1-x.window)
}

// tokens are positions [from, to) of [B, H, L, d].
func (x *latents) tokens(s *mlx.Scope, all []float32, heads, dim, from, to int) mlx.Array {
	var out []float32
	for row := range x.batch * heads {
		out = append(out, all[(row*x.length+from)*dim:(row*x.length+to)*dim]...)
	}
	return mlx.Const(s, out, x.batch, heads, to-from, dim)
}

// layers hold the matrices of the heads.
type layers struct {
	Keys   nn.MultiLinear `weight:"keys"`
	Values nn.MultiLinear `weight:"values"`
}

func (x *latents) layers(t *testing.T, th *mlx.Thread, o *mlx.Owner) *layers {
	t.Helper()
	made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		return []mlx.Array{mlx.Const(s, x.toKeys, latentHeads, latentRank, latentPlain), mlx.Const(s, x.toValue, latentHeads, latentValue, latentRank)}
	})
	require.NoError(t, err)
	defer mlx.CloseAll(made...)
	m := &layers{nn.MultiLinear{Heads: latentHeads}, nn.MultiLinear{Heads: latentHeads}}
	w := nn.Arrays{Named: map[string]mlx.Array{"keys.weight": made[0], "values.weight": made[1]}}
	require.NoError(t, nn.Load(t.Context(), th, m, w, nn.Policy{Dtype: mlx.Float32}, o))
	return m
}

// attend puts positions [from, to) into a cache.
func (x *latents) attend(s *mlx.Scope, kv cache.KV, m *layers, from, to int) mlx.Array {
	q := x.tokens(s, x.plain, latentHeads, latentPlain, from, to)
	latent, shared := x.tokens(s, x.latent, 1, latentRank, from, to), x.tokens(s, x.shared, 1, latentTurned, from, to)
	turned := x.tokens(s, x.turned, latentHeads, latentTurned, from, to)
	return kv.Attend(s, q, latent, shared, cache.Attention{
		Scale: 0.05, Latent: &cache.Latent{Query: turned, Keys: &m.Keys, Values: &m.Values},
	})
}

func (x *latents) requireStep(t *testing.T, th *mlx.Thread, kv cache.Layer, m *layers, from, to int) {
	t.Helper()
	out, err := th.Build(func(s *mlx.Scope) mlx.Array { return x.attend(s, kv.(cache.KV), m, from, to) })
	require.NoError(t, err)
	defer out.Close()
	require.Equal(t, []int{x.batch, latentHeads, to - from, latentValue}, shapeOf(t, out))
	have, err := mlx.Values[float32](th, out)
	require.NoError(t, err)
	for row := range x.batch * latentHeads {
		for l := from; l < to; l++ {
			for i, want := range x.want(row/latentHeads, row%latentHeads, l) {
				require.InDelta(t, want, have[(row*(to-from)+l-from)*latentValue+i], 2e-4, "row %d, position %d", row, l)
			}
		}
	}
}

// Whole sequences, chunks and single steps give the attention of keys and values
// that are made for every head, and the cache holds one latent and one turned key
// a token.
func TestLatentAttend(t *testing.T) {
	x := newLatents(2, 270)
	for _, chunks := range [][]int{{270}, {1, 1, 268}, {255, 1, 1, 1, 2}, {5, 100, 1, 160, 1}} {
		t.Run(fmt.Sprint(chunks), func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				kv, owner := newCache(t, th, 1), th.NewOwner("layers")
				defer kv.Close()
				defer owner.Close()
				m, from := x.layers(t, th, owner), 0
				for _, n := range chunks {
					x.requireStep(t, th, kv.Layers[0], m, from, from+n)
					from += n
					require.Equal(t, from, kv.Offset())
				}
				capacity := shapeOf(t, kv.State()[0])[2]
				require.Equal(t, []int{2, 1, capacity, latentRank}, shapeOf(t, kv.State()[0]))
				require.Equal(t, []int{2, 1, capacity, latentTurned}, shapeOf(t, kv.State()[1]))
				x.requireStep(t, th, kv.Uncached().Layers[0], m, 0, 9)
				x.requireStep(t, th, kv.Uncached().Layers[0], m, 0, 1)
			})
		})
	}
}

// A window hides what is older, in the order that a rotating buffer has it.
func TestLatentWindow(t *testing.T) {
	x := newLatents(2, 40)
	x.window = 7
	for _, chunks := range [][]int{{40}, {5, 1, 1, 1, 1, 1, 1, 29}, {20, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		leaktest.Do(t, func(th *mlx.Thread) {
			kv, owner := cache.New(th, []cache.Kind{cache.Sliding(x.window)}), th.NewOwner("layers")
			defer kv.Close()
			defer owner.Close()
			m, from := x.layers(t, th, owner), 0
			for _, n := range chunks {
				x.requireStep(t, th, kv.Layers[0], m, from, from+n)
				from += n
			}
			require.Equal(t, 40, from)
		})
	}
}

// Whichever operation fails, the cache is as it was.
func TestEveryOperationOfLatentAttendMayFail(t *testing.T) {
	x := newLatents(1, 8)
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("layers")
		defer owner.Close()
		m := x.layers(t, th, owner)
		for _, tokens := range []int{1, 3} {
			kv := newCache(t, th, 1)
			x.requireStep(t, th, kv.Layers[0], m, 0, 4)
			state, live := kv.State(), mlx.Live()
			for n := 1; ; n++ {
				boom := fmt.Errorf("operation %d", n)
				th.FailAt(n, boom)
				out, err := th.Build(func(s *mlx.Scope) mlx.Array { return x.attend(s, kv.KV(s, 0), m, 4, 4+tokens) })
				if err == nil { // there are fewer than n operations
					require.Greater(t, n, 10)
					require.NoError(t, out.Close())
					break
				}
				require.ErrorIs(t, err, boom)
				require.Equal(t, 4, kv.Offset())
				require.Equal(t, state, kv.State())
				require.Equal(t, live, mlx.Live())
			}
			th.FailAt(0, nil)
			require.NoError(t, kv.Close())
		}
	})
}
