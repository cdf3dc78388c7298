package models

import (
	"math"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// tinyReference is what mlx-lm makes of a tiny model: tokens [B, L] and their
// logits [B, L, V].
type tinyReference struct {
	tokens []int32
	logits []float32
	shape  []int // B, L, V
}

func readReference(t *testing.T, th *mlx.Thread, name string) (ref tinyReference) {
	t.Helper()
	arrays, _, err := mlx.LoadSafetensors(th, filepath.Join("testdata", "llama", name, "reference.safetensors"))
	require.NoError(t, err)
	defer func() { require.NoError(t, mlx.CloseAll(arrays["tokens"], arrays["logits"])) }()
	require.NoError(t, th.Eval(arrays["tokens"], arrays["logits"]))
	ref.tokens, err = mlx.Values[int32](th, arrays["tokens"])
	require.NoError(t, err)
	ref.logits, err = mlx.Values[float32](th, arrays["logits"])
	require.NoError(t, err)
	ref.shape = shapeOf(t, arrays["logits"])
	return ref
}

func shapeOf(t *testing.T, a mlx.Array) []int {
	t.Helper()
	shape, err := a.Shape()
	require.NoError(t, err)
	out := make([]int, len(shape))
	for i, d := range shape {
		out[i] = int(d)
	}
	return out
}

// columns returns columns [from, to) of tokens [B, L].
func (r *tinyReference) columns(from, to int) []int32 {
	var out []int32
	for b := range r.shape[0] {
		out = append(out, r.tokens[b*r.shape[1]+from:b*r.shape[1]+to]...)
	}
	return out
}

// at returns the logits of position l [B, V].
func (r *tinyReference) at(l int) []float32 {
	length, vocab := r.shape[1], r.shape[2]
	var out []float32
	for b := range r.shape[0] {
		out = append(out, r.logits[(b*length+l)*vocab:(b*length+l+1)*vocab]...)
	}
	return out
}

// forward runs tokens [shape] and returns the logits.
func forward(t *testing.T, th *mlx.Thread, m *Model, kv *cache.Cache, tokens []int32, shape ...int) []float32 {
	t.Helper()
	in, err := mlx.FromSlice(th, tokens, shape...)
	require.NoError(t, err)
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		return s.AsType(m.Forward(s, in, kv), mlx.Float32)
	})
	require.NoError(t, err)
	defer out.Close()
	require.NoError(t, in.Close())
	require.NoError(t, th.Eval(out))
	values, err := mlx.Values[float32](th, out)
	require.NoError(t, err)
	return values
}

// requireClose compares by the largest difference, relative to the largest value,
// and returns it.
func requireClose(t *testing.T, want, have []float32, tolerance float64, what string) float64 {
	t.Helper()
	require.Len(t, have, len(want), what)
	diff, size := 0.0, 0.0
	for i := range want {
		d := math.Abs(float64(want[i]) - float64(have[i]))
		if math.IsNaN(d) {
			require.Failf(t, "NaN", "%s: element %d: %v, want %v", what, i, have[i], want[i])
		}
		diff, size = max(diff, d), max(size, math.Abs(float64(want[i])))
	}
	require.LessOrEqual(t, diff, tolerance*size, what)
	return diff / size
}

// A cache whose last tokens are dropped goes on from there.
func TestLlamaAfterTrim(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"), WithDtype(mlx.Float32))
	leaktest.Do(t, func(th *mlx.Thread) {
		ref := readReference(t, th, "gqa")
		batch, length := ref.shape[0], ref.shape[1]
		kv := m.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		forward(t, th, m, kv, ref.tokens, batch, length)
		require.NoError(t, kv.Trim(3))
		again := forward(t, th, m, kv, ref.columns(length-3, length), batch, 3)
		requireClose(t, ref.at(length-1), lastOf(again, batch, 3), 1e-5, "after a trim")
	})
}

// lastOf returns the last position of logits [B, L, V] as [B, V].
func lastOf(logits []float32, batch, length int) []float32 {
	vocab := len(logits) / batch / length
	var out []float32
	for b := range batch {
		out = append(out, logits[((b+1)*length-1)*vocab:(b+1)*length*vocab]...)
	}
	return out
}

// The cache's buffers grow at 256 tokens; what is in them stays.
func TestLlamaAcrossCacheGrowth(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"))
	leaktest.Do(t, func(th *mlx.Thread) {
		tokens := make([]int32, 300)
		for i := range tokens {
			tokens[i] = int32(i * 7 % 48)
		}
		whole, steps := m.NewCache(th), m.NewCache(th)
		want := lastOf(forward(t, th, m, whole, tokens, 1, len(tokens)), 1, len(tokens))
		forward(t, th, m, steps, tokens[:250], 1, 250)
		var have []float32
		for _, tok := range tokens[250:] {
			have = forward(t, th, m, steps, []int32{tok}, 1)
		}
		requireClose(t, want, have, 1e-5, "300 tokens")
		require.NoError(t, whole.Close())
		require.NoError(t, steps.Close())
	})
}

func TestLlamaParity(t *testing.T) { testParity(t, "llama") }

// Whether the output layer is the embedding stands in the configuration, or shows
// in the checkpoint where it does not: one that is stored although it is tied
// means nothing.
func TestTiedAsTheCheckpointHasIt(t *testing.T) {
	head := namedShape{"lm_head.weight", []int{32, 64}}
	for name, c := range map[string]struct {
		from, config string
		extra        []namedShape
	}{
		"stored, nothing said":     {from: "plain", config: `"tie_word_embeddings":null`},
		"not stored, nothing said": {from: "tied", config: `"tie_word_embeddings":null`},
		"stored, tied":             {from: "tied", config: `"tie_word_embeddings":true`, extra: []namedShape{head}},
	} {
		t.Run(name, func(t *testing.T) {
			tied := parityCases(t, "llama")[c.from]
			tied.Config = regexp.MustCompile(`"tie_word_embeddings":\w+`).ReplaceAll(tied.Config, []byte(c.config))
			require.Contains(t, string(tied.Config), c.config)
			tied.Tensors = append(tied.Tensors, c.extra...)
			m := loadTest(t, tied.folder(t), WithDtype(mlx.Float32))
			leaktest.Do(t, func(th *mlx.Thread) { tied.runWhole(t, th, m, len(tied.Tokens), 1e-5) })
		})
	}
}
