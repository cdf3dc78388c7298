package models

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// requireUnread loads a folder, which fails before an array of any weight is made,
// with the path and all of want in the error.
func requireUnread(t *testing.T, dir string, want ...string) {
	t.Helper()
	leaktest.Check(t)
	peak := func() (n, active uint64) {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
			if n, err = th.PeakMemory(); err == nil {
				active, err = th.ActiveMemory()
			}
			return err
		}))
		return n, active
	}
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error { return th.ResetPeakMemory() }))
	_, err := Load(t.Context(), dir)
	for _, w := range append(want, "models: load "+dir+": ") {
		require.ErrorContains(t, err, w)
	}
	n, active := peak()
	require.LessOrEqual(t, n, active, "something was read")
}

// shardFolder writes the plain llama of testdata/parity in two shards.
func shardFolder(t *testing.T, edit func(stored map[string]storedShape, index map[string]string)) string {
	t.Helper()
	c := parityCases(t, "llama")["plain"]
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), c.Config, 0o600))
	copyFile(t, filepath.Join("..", "tokenizer", "testdata", "tiny.json"), filepath.Join(dir, "tokenizer.json"))
	stored, index := map[string]storedShape{}, map[string]string{}
	for i, n := range c.Tensors {
		stored[n.name] = storedShape{dtype: safetensors.F32, shape: n.shape}
		index[n.name] = safetensors.ShardName(i%2, 2)
	}
	if edit != nil {
		edit(stored, index)
	}
	for i := range 2 {
		shard := maps.Clone(stored)
		maps.DeleteFunc(shard, func(name string, _ storedShape) bool { return index[name] != safetensors.ShardName(i, 2) })
		writeTensors(t, filepath.Join(dir, safetensors.ShardName(i, 2)), shard)
	}
	var b bytes.Buffer
	require.NoError(t, safetensors.WriteIndex(&b, 0, 0, index))
	require.NoError(t, os.WriteFile(filepath.Join(dir, safetensors.IndexName), b.Bytes(), 0o600))
	return dir
}

// A sharded folder is one model.
func TestShardsParity(t *testing.T) {
	parityCases(t, "llama")["plain"].requireLogits(t, shardFolder(t, nil), 1e-5)
}

// Whatever is wrong with shards, the error names the file and the tensor before a
// weight is read.
func TestBadShardsAreRefused(t *testing.T) {
	const norm, q, first, second = "model.norm.weight", "model.layers.0.self_attn.q_proj.weight", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	for _, c := range []struct {
		name  string
		edit  func(stored map[string]storedShape, index map[string]string)
		spoil func(t *testing.T, file func(string) string)
		want  []string
	}{
		{"a missing shard", nil, func(t *testing.T, file func(string) string) { require.NoError(t, os.Remove(file(second))) }, []string{second, "no such file"}},
		{"a cut shard", nil, func(t *testing.T, file func(string) string) { require.NoError(t, os.Truncate(file(second), 4000)) },
			[]string{second, "are beyond the end of the data"}},
		{"a header beyond the file", nil, func(t *testing.T, file func(string) string) {
			data, err := os.ReadFile(file(first))
			require.NoError(t, err)
			binary.LittleEndian.PutUint64(data, 90_000_000)
			require.NoError(t, os.WriteFile(file(first), data, 0o600))
		}, []string{first, "the header of 90000000 bytes is longer than the rest of the file"}},
		{"a shard of text", nil, func(t *testing.T, file func(string) string) {
			require.NoError(t, os.WriteFile(file(first), []byte("version https://git-lfs.github.com/spec/v1\n"), 0o600))
		}, []string{first, "not a safetensors file"}},
		{"a tensor that the shard lacks", nil, func(t *testing.T, file func(string) string) {
			swap(t, file(safetensors.IndexName), norm, "model.nrom.weight")
		}, []string{safetensors.IndexName, `tensor "model.nrom.weight" is not in`}},
		{"an index of another folder", nil, func(t *testing.T, file func(string) string) {
			swap(t, file(safetensors.IndexName), `"model-00001`, `"../model-00001`)
		}, []string{safetensors.IndexName, "is no file name"}},
		{"an index without tensors", nil, func(t *testing.T, file func(string) string) {
			require.NoError(t, os.WriteFile(file(safetensors.IndexName), []byte(`{"weight_map": {}}`), 0o600))
		}, []string{safetensors.IndexName, "no tensors in weight_map"}},
		{"a missing tensor", func(stored map[string]storedShape, index map[string]string) {
			delete(stored, norm)
			delete(index, norm)
		}, nil,
			[]string{"config.json", "nn: weights missing: " + norm}},
		{"integers", func(stored map[string]storedShape, index map[string]string) {
			stored[norm] = storedShape{dtype: safetensors.I64, shape: []int{64}}
			stored[q] = storedShape{dtype: safetensors.U8, shape: []int{64, 64}}
		}, nil, []string{"tensor " + norm + ": dtype I64, want F16 or BF16 or F32", "tensor " + q + ": dtype U8, want"}},
		{"everything at once", func(stored map[string]storedShape, index map[string]string) {
			stored["x.weight"], index["x.weight"] = stored[norm], first
			stored[q] = storedShape{dtype: safetensors.F32, shape: []int{64, 32}}
			stored["model.layers.1.input_layernorm.weight"] = storedShape{dtype: safetensors.F64, shape: []int{64}}
			delete(stored, norm)
			delete(index, norm)
		}, nil, []string{
			"nn: weights missing: " + norm, "nn: weights not part of the model: x.weight",
			"nn: weights of the wrong shape: " + q + " has shape [64 32], want [64 64]",
			"nn: weights that cannot be read", "tensor model.layers.1.input_layernorm.weight: dtype F64, want F16 or BF16 or F32",
		}},
		{"an absurd vocabulary", nil, func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"vocab_size":32`, `"vocab_size":16000000`)
		},
			[]string{"config.json", "model.embed_tokens.weight has shape [32 64], want [16000000 64]"}},
		{"a negative size", nil, func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"hidden_size":64`, `"hidden_size":-64`)
		},
			[]string{"config.json", "hidden_size: -64 is not between 1 and"}},
		{"a size that overflows", nil, func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"intermediate_size":96`, `"intermediate_size":9223372036854775808`)
		}, []string{"config.json", "intermediate_size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shardFolder(t, c.edit)
			if c.spoil != nil {
				c.spoil(t, func(name string) string { return filepath.Join(dir, name) })
			}
			requireUnread(t, dir, c.want...)
		})
	}
}

// What cannot be a quantisation is refused by field; parts that do not fit, by file
// and tensor.
func TestBadPackersAreRefused(t *testing.T) {
	cases := packerCases(t)
	const q = "model.layers.0.self_attn.q_proj."
	config := func(old, new string) func(t *testing.T, c *packerCase) {
		return func(t *testing.T, c *packerCase) {
			require.Contains(t, string(c.Config), old)
			c.Config = bytes.Replace(c.Config, []byte(old), []byte(new), 1)
		}
	}
	tensor := func(name string, dtype safetensors.DType, shape ...int) func(t *testing.T, c *packerCase) {
		return func(t *testing.T, c *packerCase) { c.Stored[name] = storedShape{dtype: dtype, shape: shape} }
	}
	without := func(name string) func(t *testing.T, c *packerCase) {
		return func(t *testing.T, c *packerCase) { delete(c.Stored, name) }
	}
	const field = "config.json: quantization_config."
	for _, b := range []struct {
		name, of string
		spoil    func(t *testing.T, c *packerCase)
		want     []string
	}{
		{"bitsandbytes", "gptq", config(`"gptq"`, `"bitsandbytes"`), []string{field + `quant_method: "bitsandbytes" is none of awq, fp8, gptq, mxfp4, mxfp8`}},
		{"compressed-tensors", "fp8", config(`"fp8"`, `"compressed-tensors"`), []string{field + `quant_method: "compressed-tensors" is none of`}},
		{"no word for a method", "gptq", config(`"quant_method":"gptq"`, `"quant_method":4`), []string{"config.json: quantization_config: quant_method: number is no string"}},
		{"gptq of 3 bits", "gptq", config(`"bits":4`, `"bits":3`), []string{field + "bits: 3 bits of gptq"}},
		{"gptq in groups of 48", "gptq", config(`"group_size":32`, `"group_size":48`), []string{field + "group_size: 48 is none of"}},
		{"gptq in groups of none", "gptq", config(`"group_size":32`, `"group_size":0`), []string{field + "group_size: 0 is none of"}},
		{"gptq in larger groups", "gptq", config(`"group_size":32`, `"group_size":64`), []string{"tensor " + q + "scales: shape [4 128], want [2 128]"}},
		{"gptq for marlin", "gptq", config(`"checkpoint_format":"gptq"`, `"checkpoint_format":"marlin"`), []string{field + `checkpoint_format: "marlin"`}},
		{"gptq without zeros", "gptq", without(q + "qzeros"), []string{"weights missing: " + q + "weight", "not part of the model: " + q + "g_idx, " + q + "qweight, " + q + "scales"}},
		{"gptq of another width", "gptq", tensor(q+"qweight", safetensors.I32, 8, 128), []string{"tensor " + q + "scales: shape [4 128], want [2 128]"}},
		{"gptq of other words", "gptq", tensor(q+"qweight", safetensors.I64, 16, 128), []string{"tensor " + q + "qweight: dtype I64, want I32 or U32"}},
		{"gptq of no matrix", "gptq", tensor(q+"qweight", safetensors.I32, 16), []string{"tensor " + q + "qweight: shape [16] is that of no packed matrix"}},
		{"gptq of nothing", "gptq", tensor(q+"qweight", safetensors.I32, 0, 128), []string{"tensor " + q + "qweight: shape [0 128] is that of no packed matrix"}},
		{"an index of floats", "gptq", tensor(q+"g_idx", safetensors.F32, 128), []string{"tensor " + q + "g_idx: dtype F32, want I32"}},
		{"a short index", "gptq", tensor(q+"g_idx", safetensors.I32, 64), []string{"tensor " + q + "g_idx: shape [64], want [128]"}},
		{"an index of other groups", "gptq", tensor(q+"g_idx", safetensors.I32, 128), []string{"tensor " + q + "g_idx: group", "is none of 4"}},
		{"awq of 8 bits", "awq", config(`"bits":4`, `"bits":8`), []string{field + "bits: 8 bits of awq are not 4"}},
		{"awq for gemv", "awq", config(`"gemm"`, `"gemv"`), []string{field + `version: "gemv" is not gemm`}},
		{"awq zeros of another shape", "awq", tensor(q+"qzeros", safetensors.I32, 4, 8), []string{"tensor " + q + "qzeros: shape [4 8], want [4 16]"}},
		{"awq scales of integers", "awq", tensor(q+"scales", safetensors.I32, 4, 128), []string{"tensor " + q + "scales: dtype I32, want F16 or BF16 or F32"}},
		{"fp8 blocks of none", "fp8", config(`[128,128]`, `[0,128]`), []string{field + "weight_block_size: [0 128] are no two sizes"}},
		{"fp8 blocks in one dimension", "fp8", config(`[128,128]`, `[128]`), []string{field + "weight_block_size: [128] are no two sizes"}},
		{"fp8 scales of another shape", "fp8", tensor(q+"weight_scale_inv", safetensors.F32, 2, 1), []string{"tensor " + q + "weight_scale_inv: shape [2 1], want [1 1]"}},
		{"fp8 of another kind", "fp8", tensor(q+"weight", safetensors.F8E5M2, 128, 128), []string{"tensor " + q + "weight: dtype F8_E5M2, want F8_E4M3"}},
		{"fp8 without scales", "fp8", without(q + "weight_scale_inv"), []string{"tensor " + q + "weight: dtype F8_E4M3, want F16 or BF16 or F32"}},
		{"fp8 vectors", "fp8", tensor(q+"weight", safetensors.F8E4M3, 128), []string{"tensor " + q + "weight: shape [128] has no rows"}},
	} {
		t.Run(b.name, func(t *testing.T) {
			c := *cases[b.of]
			c.Stored = maps.Clone(c.Stored)
			b.spoil(t, &c)
			requireUnread(t, c.folder(t), b.want...)
		})
	}
}

// The same for weights that MLX packed.
func TestBadQuantisationsAreRefused(t *testing.T) {
	const q, file = "model.layers.0.self_attn.q_proj.", "model.safetensors: tensor "
	affine, bytes8 := `{"bits":4,"group_size":32}`, `{"bits":4,"group_size":32,"mode":"mxfp4"}`
	for _, c := range []struct {
		name, block string
		edit        map[string]storedShape
		want        []string
	}{
		{"7 bits", `{"bits":7,"group_size":32}`, nil, []string{"config.json: quantization: 7 bits in groups of 32 are not among MLX's"}},
		{"a mode", `{"bits":4,"group_size":32,"mode":"int3"}`, nil, []string{`config.json: quantization.mode: "int3" is none of affine, mxfp4, mxfp8 and nvfp4`}},
		{"mxfp4 of 8 bits", `{"bits":8,"group_size":32,"mode":"mxfp4"}`, nil, []string{`8 bits in groups of 32 are not among MLX's for mode "mxfp4"`}},
		{"bits of text", `{"bits":"4","group_size":32}`, nil, []string{"config.json: quantization: bits: string is no int"}},
		{"a layer of 9 bits", `{"bits":4,"group_size":32,"lm_head":{"bits":9,"group_size":32}}`, nil, []string{"config.json: quantization.lm_head: 9 bits"}},
		{"huge bits", `{"bits":9223372036854775807,"group_size":32}`, nil, []string{"quantization: 9223372036854775807 bits"}},
		{"a layer told wrong", `{"bits":4,"group_size":32,"model.layers.0.self_attn.q_proj":{"bits":8,"group_size":32}}`, nil,
			[]string{file + q + "weight: shape [64 8] with scales [64 2] does not fit 8 bits in groups of 32 (quantization.model.layers.0.self_attn.q_proj)"}},
		{"no biases", affine, map[string]storedShape{q + "biases": {}}, []string{file + q + `scales: there are no biases beside it, which mode "affine" has`}},
		{"scales of another shape", affine, map[string]storedShape{q + "scales": {dtype: safetensors.F32, shape: []int{64, 3}}}, []string{file + q + "weight: shape [64 8] with scales [64 3]"}},
		{"scales of bytes", affine, map[string]storedShape{q + "scales": {dtype: safetensors.U8, shape: []int{64, 2}}}, []string{file + q + `biases: mode "mxfp4" has no biases`}},
		{"scales of nothing", affine, map[string]storedShape{q + "scales": {dtype: safetensors.F32, shape: []int{64, 0}}}, []string{file + q + "weight: shape [64 8] with scales [64 0] holds nothing"}},
		{"words of bytes", affine, map[string]storedShape{q + "weight": {dtype: safetensors.U8, shape: []int{64, 32}}}, []string{file + q + "weight: dtype U8, want U32"}},
		{"a scalar", affine, map[string]storedShape{q + "weight": {dtype: safetensors.U32, shape: []int{}}}, []string{file + q + "weight: has no rows"}},
		{"mxfp4 with scales of floats", bytes8, map[string]storedShape{q + "scales": {dtype: safetensors.I32, shape: []int{64, 2}}}, []string{file + q + "scales: dtype I32, want"}},
		{"a second scale of affine", affine, map[string]storedShape{q + "global_scale": {dtype: safetensors.F32, shape: []int{}}}, []string{file + q + `global_scale: mode "affine" has no second scale`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := parityCases(t, "llama")["4-bit"]
			stored := map[string]storedShape{}
			for _, n := range p.Tensors {
				stored[n.name] = storedShape{dtype: safetensors.F32, shape: n.shape}
				if base, ok := layerOf(n); ok {
					stored[n.name] = storedShape{dtype: safetensors.U32, shape: []int{n.shape[0], n.shape[1] / 8}}
					for _, part := range []string{"scales", "biases"} {
						stored[base+part] = storedShape{dtype: safetensors.F32, shape: []int{n.shape[0], n.shape[1] / 32}}
					}
				}
			}
			for name, s := range c.edit {
				if stored[name] = s; s.dtype == "" {
					delete(stored, name)
				}
			}
			fold := packerCase{Stored: stored}
			fold.Config = append([]byte(fmt.Sprintf(`{"quantization":%s,`, c.block)), withoutField(t, p.Config, "quantization")[1:]...)
			requireUnread(t, fold.folder(t), c.want...)
		})
	}
}

// layerOf tells the layer of a matrix.
func layerOf(n namedShape) (string, bool) {
	if len(n.shape) != 2 {
		return "", false
	}
	return n.name[:len(n.name)-len("weight")], slices.Contains([]int{64, 96}, n.shape[1])
}
