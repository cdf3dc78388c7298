package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// kvReference is testdata/kvcache.json: a tiny llama whose tokens wander, and
// those that mlx-lm generates with each kind of cache (kvcache.py).
type kvReference struct {
	parityCase
	Scale float64
	Cases map[string]kvCase
}

type kvCase struct {
	Prompt, Tokens []int32
	MaxKVSize      int `json:"max_kv_size"`
	KVBits         int `json:"kv_bits"`
	KVGroupSize    int `json:"kv_group_size"`
	Start          int `json:"quantized_kv_start"`
	PrefillStep    int `json:"prefill_step_size"`
}

func (c kvCase) options() []generate.Option {
	return []generate.Option{
		generate.WithMaxTokens(len(c.Tokens)), generate.WithoutStops(), generate.WithPrefillStep(orElse(c.PrefillStep, 2048)),
		generate.WithMaxKVSize(c.MaxKVSize), generate.WithKVBits(c.KVBits), generate.WithKVGroupSize(c.KVGroupSize),
		generate.WithQuantizedKVStart(c.Start),
	}
}

func readKVReference(t *testing.T) *kvReference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "kvcache.json"))
	require.NoError(t, err)
	ref := new(kvReference)
	require.NoError(t, json.Unmarshal(data, ref))
	return ref
}

// load makes the model.
func (r *kvReference) load(t *testing.T) *Model {
	t.Helper()
	dir := r.folder(t)
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := r.arrays(t, th)
		names := slices.Sorted(maps.Keys(arrays))
		scaled, err := th.BuildAll(func(s *mlx.Scope) (all []mlx.Array) {
			for _, name := range names {
				a := arrays[name]
				if s.Ndim(a) > 1 {
					a = s.Multiply(a, s.Scalar(r.Scale, mlx.Float32))
				}
				all = append(all, a)
			}
			return all
		})
		require.NoError(t, err)
		require.NoError(t, mlx.CloseAll(slices.Collect(maps.Values(arrays))...))
		for i, name := range names {
			arrays[name] = scaled[i]
		}
		require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, "model.safetensors"), arrays, nil))
		require.NoError(t, mlx.CloseAll(scaled...))
	})
	return loadTest(t, dir, WithDtype(mlx.Float32))
}

// greedy collects a generation's tokens.
func greedy(t *testing.T, m *Model, prompt []int32, opts ...generate.Option) (ids []int32) {
	t.Helper()
	for tok, err := range m.GenerateTokens(t.Context(), prompt, opts...) {
		require.NoError(t, err)
		ids = append(ids, tok.ID)
	}
	return ids
}

// The tokens are those of mlx-lm: past the maximum size, quantised from the first
// token on or later, with prompts longer than either.
func TestKVCachesEqualMLXLM(t *testing.T) {
	leaktest.Check(t)
	ref := readKVReference(t)
	m := ref.load(t)
	require.Greater(t, len(ref.Cases), 10)
	for name, c := range ref.Cases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.Tokens, greedy(t, m, c.Prompt, c.options()...))
		})
	}
}

// Five thousand tokens with a cache of 512: from the thousandth on MLX holds as
// much as it did then, in as many handles. Quantised as well, which mlx-lm
// refuses.
func TestMaxKVSizeKeepsMemoryFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of tokens")
	}
	for what, opts := range map[string][]generate.Option{
		"plain":     nil,
		"quantised": {generate.WithKVBits(8), generate.WithKVGroupSize(32), generate.WithQuantizedKVStart(600)},
	} {
		t.Run(what, func(t *testing.T) {
			mlx.TraceHandles(false)
			defer mlx.TraceHandles(true)
			ref := readKVReference(t)
			m := ref.load(t)
			idle := measure(t, m)
			opts = append(opts, generate.WithMaxKVSize(512), generate.WithMaxTokens(5000), generate.WithoutStops())
			n, first := 0, sample{}
			for _, err := range m.GenerateTokens(t.Context(), ref.Cases["plain"].Prompt, opts...) {
				require.NoError(t, err)
				if n++; n%500 != 0 || n < 1000 || n == 5000 {
					continue
				}
				s := measure(t, m)
				if n == 1000 {
					first = s
				}
				require.InDelta(t, first.active, s.active, 4<<10, "after %d tokens", n)
				require.Equal(t, first.handles, s.handles)
				tokens := 512 * 2 * 2 * 2 * 32 * 4 // layers, keys and values, heads, dimensions, float32
				if what == "quantised" {
					tokens = tokens / 4 * 40 / 32
				}
				require.InDelta(t, tokens, s.active-idle.active, 16<<10, "beyond weights and cache")
			}
			require.Equal(t, 5000, n)
		})
	}
}

// Every architecture keeps to the maximum size that is asked for, in every layer.
func TestMaxSizeOfEveryArchitecture(t *testing.T) {
	files, err := filepath.Glob("testdata/parity/*.json")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		cases := parityCases(t, name)
		m, err := New(t.Context(), cases[slices.Sorted(maps.Keys(cases))[0]].Config)
		require.NoError(t, err, name)
		leaktest.Do(t, func(th *mlx.Thread) {
			kv := m.NewCache(th, cache.WithMaxSize(3))
			for range 7 {
				forward(t, th, m, kv, []int32{1}, 1)
			}
			require.Equal(t, 7, kv.Offset())
			for i, l := range kv.Layers {
				if _, attends := l.(cache.KV); !attends {
					continue
				}
				for _, a := range l.State() {
					shape, err := a.Shape()
					require.NoError(t, err)
					require.EqualValues(t, 3, shape[2], "%s, layer %d", name, i)
				}
			}
			require.NoError(t, kv.Close())
		})
		require.NoError(t, m.Close())
	}
}

// Prompts of different lengths run as one padded batch, whole and then in steps,
// and each has the logits that it has alone; when one is done the others go on.
func TestBatchOfPrompts(t *testing.T) {
	quantised := cache.WithBits(8, 32)
	for _, x := range []struct {
		file, name string
		opts       []cache.Option
	}{
		{"llama", "plain", nil}, {"mistral", "window", nil}, {"gemma3_text", "tied", nil}, {"olmo3", "every fourth layer is full", nil},
		{"phi3", "longrope", nil}, {"qwen3_next", "plain", nil}, {"deepseek_v3", "yarn", nil},
		{"qwen3", "untied", []cache.Option{quantised}}, {"ministral3", "untied", []cache.Option{quantised}},
	} {
		t.Run(fmt.Sprint(x.file, len(x.opts)), func(t *testing.T) {
			c := parityCases(t, x.file)[x.name]
			require.NotNil(t, c)
			leaktest.Check(t)
			m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
			leaktest.Do(t, func(th *mlx.Thread) { batchOfPrompts(t, th, m, c, x.opts) })
		})
	}
}

// batchOfPrompts runs prompts of 9, 4 and 7 tokens, as far as they are given.
func batchOfPrompts(t *testing.T, th *mlx.Thread, m *Model, c *parityCase, opts []cache.Option) {
	t.Helper()
	lengths, left := []int{9, 4, 7}, []int{0, 5, 2}
	length := len(c.Tokens[0])
	tokens := [][]int32{c.Tokens[0], c.Tokens[1], slices.Clone(c.Tokens[0])}
	slices.Reverse(tokens[2])
	var alone [][][]float32 // by row and step
	for i, n := range lengths {
		kv := m.NewCache(th, opts...)
		all := [][]float32{lastOf(forward(t, th, m, kv, tokens[i][:n], 1, n), 1, n)}
		for at := n; at < length; at++ {
			all = append(all, forward(t, th, m, kv, tokens[i][at:at+1], 1))
		}
		require.NoError(t, kv.Close())
		alone = append(alone, all)
	}
	kv := m.NewCache(th, append([]cache.Option{cache.WithLeftPadding(left...)}, opts...)...)
	defer func() { require.NoError(t, kv.Close()) }()
	var padded []int32
	for i, n := range lengths {
		padded = append(append(padded, make([]int32, left[i])...), tokens[i][:n]...)
	}
	rows := []int{0, 1, 2}
	logits := lastOf(forward(t, th, m, kv, padded, 3, 9), 3, 9)
	for step := 0; ; step++ {
		vocab := len(logits) / len(rows)
		for i, row := range rows {
			requireClose(t, alone[row][step], logits[i*vocab:(i+1)*vocab], 1e-5, fmt.Sprint("row ", row, ", step ", step))
		}
		if step == 4 { // the longest is done
			rows = []int{2, 1}
			require.NoError(t, kv.Filter(th, rows...))
		}
		if step+1 == length-9 {
			return
		}
		var next []int32
		for _, row := range rows {
			next = append(next, tokens[row][lengths[row]+step])
		}
		logits = forward(t, th, m, kv, next, len(rows))
	}
}
