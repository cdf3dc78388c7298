package convert_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// reference is a tiny model and what mlx_lm.convert makes of it
// (testdata/convert.py).
type reference struct {
	Source    string // the case whose result is converted
	Config    json.RawMessage
	Tensors   []namedShape
	Options   referenceOptions
	Converted string                // config.json
	Index     string                // digest of model.safetensors.index.json
	Digests   map[string]string     // of each tensor
	Errors    map[string][2]float64 // relative RMS and largest difference
}

type referenceOptions struct {
	Quantize, Dequantize bool
	Bits                 int    `json:"q_bits"`
	GroupSize            int    `json:"q_group_size"`
	Mode                 string `json:"q_mode"`
	Recipe               string `json:"quant_predicate"`
	Dtype                string
	Shard                int64
}

type namedShape struct {
	name  string
	shape []int
}

func (n *namedShape) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&n.name, &n.shape})
}

var dtypes = map[string]mlx.Dtype{"float32": mlx.Float32, "float16": mlx.Float16, "bfloat16": mlx.BFloat16}

func (o *referenceOptions) options() (opts []convert.Option) {
	if o.Quantize {
		opts = append(opts, convert.Quantize(nn.Quantisation{Bits: o.Bits, GroupSize: o.GroupSize, Mode: o.Mode}))
	}
	if o.Dequantize {
		opts = append(opts, convert.Dequantize())
	}
	if o.Recipe != "" {
		opts = append(opts, convert.Recipe(o.Recipe))
	}
	if o.Dtype != "" {
		opts = append(opts, convert.Dtype(dtypes[o.Dtype]))
	}
	if o.Shard > 0 {
		opts = append(opts, convert.ShardSize(o.Shard))
	}
	return opts
}

func references(t *testing.T) map[string]*reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "convert.json"))
	require.NoError(t, err)
	var cases map[string]*reference
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	return cases
}

// folder writes the model that a case begins with, and returns its path.
func folder(t *testing.T, cases map[string]*reference, name string) string {
	t.Helper()
	r := cases[name]
	if r.Source != "" {
		to := filepath.Join(t.TempDir(), r.Source)
		_, err := convert.Folder(t.Context(), folder(t, cases, r.Source), to, cases[r.Source].Options.options()...)
		require.NoError(t, err)
		return to
	}
	dir := t.TempDir()
	write(t, dir, "config.json", string(r.Config))
	write(t, dir, "generation_config.json", `{"eos_token_id": [5, 7], "temperature": 0.6}`)
	tokens, err := os.ReadFile(filepath.Join("..", "..", "tokenizer", "testdata", "tiny.json"))
	require.NoError(t, err)
	write(t, dir, "tokenizer.json", string(tokens))
	var c struct {
		Dtype string `json:"torch_dtype"`
	}
	require.NoError(t, json.Unmarshal(r.Config, &c))
	save(t, dir, dtypes[c.Dtype], r.Tensors)
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// save writes tensors of numbers that follow from their names.
func save(t *testing.T, dir string, dtype mlx.Dtype, tensors []namedShape) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		made, err := th.BuildAll(func(s *mlx.Scope) (made []mlx.Array) {
			for _, n := range tensors {
				made = append(made, reftest.StoredAs(s, n.name, n.shape, dtype))
			}
			return made
		})
		require.NoError(t, err)
		arrays := map[string]mlx.Array{}
		for i, n := range tensors {
			arrays[n.name] = made[i]
		}
		require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, "model.safetensors"), arrays, nil))
		require.NoError(t, mlx.CloseAll(made...))
	})
}

// digests are those of the tensors in a folder, as testdata/convert.py has them.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	x, err := safetensors.OpenIndex(dir)
	require.NoError(t, err)
	defer x.Close()
	out := map[string]string{}
	for _, name := range x.Tensors {
		info, file, ok := x.Tensor(name)
		require.True(t, ok)
		require.Equal(t, map[string]string{"format": "mlx"}, file.Metadata)
		data, err := file.Data(info)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		out[name] = fmt.Sprintf("%s [%s] %s", info.DType, strings.Trim(strings.ReplaceAll(fmt.Sprint(info.Shape), " ", ", "), "[]"), hex.EncodeToString(sum[:])[:20])
	}
	return out
}

// TestFolder compares the tensors, config.json and the index with those of
// mlx_lm.convert, byte for byte.
func TestFolder(t *testing.T) {
	cases := references(t)
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			from, to := folder(t, cases, name), filepath.Join(t.TempDir(), "converted")
			result, err := convert.Folder(t.Context(), from, to, want.Options.options()...)
			require.NoError(t, err)
			require.Equal(t, want.Digests, digests(t, to))
			config, err := os.ReadFile(filepath.Join(to, "config.json"))
			require.NoError(t, err)
			require.JSONEq(t, want.Converted, string(config))
			require.ElementsMatch(t, lines(want.Converted), lines(string(config)), "mlx-lm lists layers in another order")
			if want.Options.Shard > 0 {
				requireShards(t, to, want)
				return
			}
			require.Equal(t, 1, result.Shards)
			index, err := os.ReadFile(filepath.Join(to, safetensors.IndexName))
			require.NoError(t, err)
			sum := sha256.Sum256(index)
			require.Equal(t, want.Index, hex.EncodeToString(sum[:]), "%s", index)

			m, err := models.Load(t.Context(), to)
			require.NoError(t, err)
			require.NoError(t, m.Close())
		})
	}
}

// lines are those of a JSON text without the commas between them.
func lines(text string) []string {
	all := strings.Split(text, "\n")
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], ",")
	}
	return all
}

// requireShards requires that files are as large as allowed and no larger. Which
// tensors share one is by the order of the model's fields, here and in mlx-lm.
func requireShards(t *testing.T, dir string, r *reference) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "model-*.safetensors"))
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	before := int64(0)
	for i, path := range files {
		require.Equal(t, safetensors.ShardName(i, len(files)), filepath.Base(path))
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		size := int64(0)
		for _, info := range f.Tensors {
			size += info.Size
		}
		require.NoError(t, f.Close())
		require.True(t, size <= r.Options.Shard || len(f.Tensors) == 1, "%s holds %d bytes", path, size)
		if i > 0 {
			require.Greater(t, before+size, r.Options.Shard/2)
		}
		before = size
	}
	require.NoFileExists(t, filepath.Join(dir, "model.safetensors"))
}
