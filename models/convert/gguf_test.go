package convert_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// parity is a tiny model and the logits that mlx-lm gives for it
// (../testdata/parity.py).
type parity struct {
	Config    json.RawMessage
	Tensors   []namedShape
	Tokens    [][]int32
	Positions []int
	Logits    [][][]float32
}

func parities(t *testing.T) map[string]*parity {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "parity", "gguf.json"))
	require.NoError(t, err)
	var cases map[string]*parity
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	return cases
}

// letters is a byte-level tokenizer of n letters.
func letters(n int) string {
	var vocab []string
	for i := range n {
		vocab = append(vocab, fmt.Sprintf("%q:%d", string(rune('0'+i)), i))
	}
	return `{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},
		"model":{"type":"BPE","vocab":{` + strings.Join(vocab, ",") + `},"merges":[]}}`
}

func (p *parity) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "config.json", string(p.Config))
	write(t, dir, "tokenizer.json", letters(32))
	save(t, dir, mlx.Float32, p.Tensors)
	return dir
}

// logits are those of the first sequence, after loading as float32.
func (p *parity) logits(t *testing.T, path string) (all []float32) {
	t.Helper()
	m, err := models.Load(t.Context(), path, models.WithDtype(mlx.Float32), models.WithWeights(models.Dense))
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := m.NewCache(th)
		tokens, err := mlx.FromSlice(th, p.Tokens[0], 1, len(p.Tokens[0]))
		require.NoError(t, err)
		out, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.Forward(s, s.Own(tokens, nil), kv) })
		require.NoError(t, err)
		all, err = mlx.Values[float32](th, out)
		require.NoError(t, err)
		require.NoError(t, out.Close())
		require.NoError(t, kv.Close())
	})
	return all
}

func (p *parity) requireLogits(t *testing.T, path string, tolerance float64) {
	t.Helper()
	have := p.logits(t, path)
	vocab := len(have) / len(p.Tokens[0])
	for i, at := range p.Positions {
		var largest float64
		for _, v := range p.Logits[0][i] {
			largest = max(largest, float64(max(v, -v)))
		}
		for j, v := range p.Logits[0][i] {
			require.InDelta(t, v, have[at*vocab+j], tolerance*largest, "position %d, logit %d", at, j)
		}
	}
}

var blockNumber = regexp.MustCompile(`blk\.\d+\.`)

// A folder of every architecture as a GGUF file gives mlx-lm's logits, and so does
// that file as a folder again. The tensors in the file have the names of llama.cpp's
// converter (../testdata/gguf_names.py).
func TestGGUFOfEveryArchitecture(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "gguf_names.json"))
	require.NoError(t, err)
	var tables map[string]map[string]string
	require.NoError(t, json.Unmarshal(data, &tables))
	for name, p := range parities(t) {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "model.gguf")
			r, err := convert.GGUF(t.Context(), p.folder(t), to, gguf.TypeF32)
			require.NoError(t, err)
			p.requireLogits(t, to, 1e-5)
			f, err := gguf.Open(to)
			require.NoError(t, err)
			defer f.Close()
			arch, err := f.String("general.architecture")
			require.NoError(t, err)
			known := map[string]bool{"rope_freqs": true, "rope_factors_long": true, "rope_factors_short": true}
			for _, stored := range tables[arch] {
				known[stored] = true
			}
			back := filepath.Join(t.TempDir(), "back")
			_, err = convert.Folder(t.Context(), to, back, convert.Dtype(mlx.Float32))
			require.NoError(t, err)
			p.requireLogits(t, back, 1e-5)
			elements := int64(0)
			for _, info := range f.Tensors {
				base := strings.TrimSuffix(strings.TrimSuffix(info.Name, ".weight"), ".bias")
				require.True(t, known[blockNumber.ReplaceAllString(base, "blk.N.")], info.Name)
				elements += int64(info.Elements())
			}
			require.Equal(t, r.Parameters, elements)
		})
	}
}

// A real file as a folder, and that as a file again: blocks whose groups MLX holds
// are the same bytes, and the folder makes the file's tokens (testdata/gguf.py).
func TestGGUFThereAndBack(t *testing.T) {
	if testing.Short() {
		t.Skip("converts a real model")
	}
	source, dir, again := testmodels.RequireSmolLM2(t), filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "again.gguf")
	_, err := convert.Folder(t.Context(), source, dir, convert.Dtype(mlx.Float16))
	require.NoError(t, err)
	_, err = convert.GGUF(t.Context(), dir, again, gguf.TypeQ4_1)
	require.NoError(t, err)
	want, err := gguf.Open(source)
	require.NoError(t, err)
	defer want.Close()
	have, err := gguf.Open(again)
	require.NoError(t, err)
	defer have.Close()
	require.Len(t, have.Tensors, len(want.Tensors))
	for _, info := range want.Tensors {
		made, ok := have.Tensor(info.Name)
		require.True(t, ok, info.Name)
		require.Equal(t, info.Type, made.Type, info.Name)
		a, err := want.Data(info)
		require.NoError(t, err)
		b, err := have.Data(made)
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b), info.Name)
	}
	for _, key := range []string{"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type"} {
		a, _ := want.Lookup(key)
		b, _ := have.Lookup(key)
		require.Equal(t, a.Any(), b.Any(), key)
	}
	for key := range want.All() {
		a, _ := want.Lookup(key)
		if b, ok := have.Lookup(key); ok && !strings.HasPrefix(key, "general.") {
			require.Equal(t, a.Any(), b.Any(), key)
		} else if !ok {
			t.Log("not written: ", key)
		}
	}
}

// What a GGUF file cannot say is refused, and leaves no file.
func TestGGUFRefuses(t *testing.T) {
	plain := parities(t)["llama"]
	changed := func(name string, fields map[string]any) string {
		p := *parities(t)[name]
		var config map[string]any
		require.NoError(t, json.Unmarshal(p.Config, &config))
		maps.Copy(config, fields)
		var err error
		p.Config, err = json.Marshal(config)
		require.NoError(t, err)
		return p.folder(t)
	}
	odd := plain.folder(t)
	write(t, odd, "tokenizer.json", strings.Replace(letters(32), `"pre_tokenizer"`, `"normalizer":{"type":"Lowercase"},"pre_tokenizer"`, 1))
	many := plain.folder(t)
	write(t, many, "tokenizer.json", letters(33))
	for name, c := range map[string]struct {
		from string
		typ  gguf.Type
		opts []convert.Option
		says string
	}{
		"windows":   {changed("llama", map[string]any{"layer_types": []string{"full_attention", "sliding_attention"}, "sliding_window": 4}), gguf.TypeF16, nil, "layer_types: llama.cpp's llama cannot say [full_attention sliding_attention], only"},
		"scale":     {changed("gemma3", map[string]any{"query_pre_attn_scalar": 7}), gguf.TypeF16, nil, "query_pre_attn_scalar: llama.cpp's gemma3 cannot say 7, only 16"},
		"router":    {changed("qwen3 moe", map[string]any{"norm_topk_prob": false}), gguf.TypeF16, nil, "norm_topk_prob: llama.cpp's qwen3moe cannot say false, only true"},
		"scaling":   {changed("qwen3", map[string]any{"rope_scaling": map[string]any{"rope_type": "dynamic", "factor": 2}}), gguf.TypeF16, nil, `rope_scaling.rope_type: llama.cpp's qwen3 cannot say "dynamic"`},
		"tokenizer": {odd, gguf.TypeF16, nil, "tokenizer.ggml.pre: no name stands for what its normalizer and pre-tokenizer do"},
		"tokens":    {many, gguf.TypeF16, nil, "its 33 tokens are more than the 32 of the model"},
		"type":      {plain.folder(t), gguf.TypeQ6K, nil, "type Q6_K is none of [F32 F16 BF16 Q8_0 Q4_1 Q4_0]"},
		"options":   {plain.folder(t), gguf.TypeF16, []convert.Option{convert.Dequantize()}, "a GGUF file has a type of its own"},
		"source":    {filepath.Join(t.TempDir(), "none.gguf"), gguf.TypeF16, nil, "none.gguf: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := convert.GGUF(t.Context(), c.from, filepath.Join(dir, "model.gguf"), c.typ, c.opts...)
			require.ErrorContains(t, err, "convert: ")
			require.ErrorContains(t, err, c.says)
			requireEmpty(t, dir)
		})
	}
	p := parities(t)["llama"]
	cases := references(t)
	_, err := convert.GGUF(t.Context(), folder(t, cases, "mixed_3_6"), filepath.Join(t.TempDir(), "model.gguf"), gguf.TypeF16)
	require.Error(t, err, "tiny.json splits in a way of its own")

	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err = convert.GGUF(ctx, p.folder(t), filepath.Join(dir, "model.gguf"), gguf.TypeF16, convert.Progress(func(done, _ int, _ string) {
		if done == 3 {
			cancel()
		}
	}))
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}

// Types of blocks are for matrices whose rows are whole blocks: the rest is as in
// llama.cpp's files, and an error stays within what the type promises.
func TestGGUFTypes(t *testing.T) {
	p := parities(t)["qwen3 moe"]
	from := p.folder(t)
	for typ, want := range map[gguf.Type]map[string]gguf.Type{
		gguf.TypeQ8_0: {"output.weight": gguf.TypeQ8_0, "token_embd.weight": gguf.TypeQ8_0, "blk.0.ffn_gate_exps.weight": gguf.TypeQ8_0, "blk.0.ffn_gate_inp.weight": gguf.TypeF32, "blk.1.attn_q_norm.weight": gguf.TypeF32},
		gguf.TypeQ4_0: {"output.weight": gguf.TypeQ8_0, "token_embd.weight": gguf.TypeQ4_0, "blk.0.ffn_down_exps.weight": gguf.TypeQ4_0},
		gguf.TypeBF16: {"output.weight": gguf.TypeBF16, "output_norm.weight": gguf.TypeF32},
	} {
		to := filepath.Join(t.TempDir(), "model.gguf")
		_, err := convert.GGUF(t.Context(), from, to, typ)
		require.NoError(t, err)
		f, err := gguf.Open(to)
		require.NoError(t, err)
		for name, stored := range want {
			info, ok := f.Tensor(name)
			require.True(t, ok, name)
			require.Equal(t, stored, info.Type, name)
		}
		require.NoError(t, f.Close())
		list, err := convert.Compare(t.Context(), from, to)
		require.NoError(t, err)
		for _, e := range list {
			require.Less(t, e.RMS, map[gguf.Type]float64{gguf.TypeQ8_0: 0.006, gguf.TypeQ4_0: 0.11, gguf.TypeBF16: 0.003}[typ], "%v %s", typ, e.Name)
		}
	}
}
