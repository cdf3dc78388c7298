package safetensors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// The folder was written by mlx-lm's save_model, one tensor a shard.
func TestOpenIndex(t *testing.T) {
	x, err := safetensors.OpenIndex("testdata/sharded")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, x.Tensors)
	require.Len(t, x.Shards, 3)
	info, f, ok := x.Tensor("b")
	require.True(t, ok)
	require.Equal(t, "testdata/sharded/model-00002-of-00003.safetensors", f.Name())
	require.Equal(t, []int{4, 8}, info.Shape)
	data, err := f.Data(info)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0x80, 0x3f}, data[:4], "1.0")
	_, _, ok = x.Tensor("d")
	require.False(t, ok)
	require.NoError(t, x.Close())
	require.NoError(t, x.Close())
	_, err = f.Data(info)
	require.ErrorIs(t, err, safetensors.ErrClosed)
}

// copyShards makes a checkpoint of the shards in testdata with another index.
func copyShards(t *testing.T, index string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/sharded")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, safetensors.IndexName), []byte(index), 0o600))
	return dir
}

const (
	shard1 = `"model-00001-of-00003.safetensors"`
	shard2 = `"model-00002-of-00003.safetensors"`
)

func TestIndexNamesEachProblem(t *testing.T) {
	tests := []struct {
		name, index string
		want        []string
	}{
		{"empty", ``, []string{"unexpected EOF"}},
		{"no map", `{"metadata":{"total_size":1}}`, []string{"no tensors in weight_map"}},
		{"empty map", `{"weight_map":{}}`, []string{"no tensors in weight_map"}},
		{"not UTF-8", "{\"\xff\":1}", []string{"not valid UTF-8"}},
		{"after the end", `{"weight_map":{"a":` + shard1 + `}} x`, []string{"something follows the JSON object"}},
		{"map twice", `{"weight_map":{"a":` + shard1 + `},"weight_map":{}}`, []string{`"weight_map" appears twice`}},
		{"tensor twice", `{"weight_map":{"a":` + shard1 + `,"a":` + shard2 + `}}`, []string{`weight_map: "a" appears twice`}},
		{"shard is a number", `{"weight_map":{"a":1}}`, []string{`weight_map: tensor "a": found 1, want a string`}},
		{"shard elsewhere", `{"weight_map":{"a":"../x.safetensors"}}`, []string{`weight_map: tensor "a": shard "../x.safetensors" is no file name`}},
		{"shard absolute", `{"weight_map":{"a":"/etc/passwd"}}`, []string{`shard "/etc/passwd" is no file name`}},
		{"shard is the folder", `{"weight_map":{"a":"."}}`, []string{`shard "." is no file name`}},
		{"negative total", `{"metadata":{"total_size":-1},"weight_map":{"a":` + shard1 + `}}`, []string{"metadata: total_size: -1 is no number of bytes"}},
		{"total as text", `{"metadata":{"total_size":"128"},"weight_map":{"a":` + shard1 + `}}`, []string{`metadata: total_size: "128" is no number of bytes`}},
		{"wrong total", `{"metadata":{"total_size":127},"weight_map":{"a":` + shard1 + `}}`, []string{"total_size is 127, the tensors take 128 bytes"}},
		{
			"missing shard and absent tensors",
			`{"metadata":{"total_size":1},"weight_map":{"a":` + shard1 + `,"x":` + shard1 + `,"y":` + shard2 + `,"z":"gone.safetensors"}}`,
			[]string{"gone.safetensors", `tensor "x" is not in model-00001-of-00003.safetensors`, `tensor "y" is not in model-00002-of-00003.safetensors`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyShards(t, tt.index)
			_, err := safetensors.OpenIndex(dir)
			require.Error(t, err)
			require.Len(t, strings.Split(err.Error(), "\n"), len(tt.want), err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				require.True(t, strings.HasPrefix(line, "safetensors: ") && strings.Contains(line, dir), line)
			}
		})
	}
}

func TestIndexVariantsThatAreRight(t *testing.T) {
	for name, index := range map[string]string{
		"float total":    `{"metadata":{"total_size":1.28e2},"weight_map":{"a":` + shard1 + `}}`,
		"no metadata":    `{"weight_map":{"a":` + shard1 + `}}`,
		"other metadata": `{"metadata":{"total_parameters":{"x":[1]},"total_size":128},"other":[{}],"weight_map":{"a":` + shard1 + `}}`,
	} {
		x, err := safetensors.OpenIndex(copyShards(t, index))
		require.NoError(t, err, name)
		require.Equal(t, []string{"a"}, x.Tensors)
		require.NoError(t, x.Close())
	}
	x, err := safetensors.OpenIndex(copyShards(t, `{"metadata":{"total_size":1},"weight_map":{"a":`+shard1+`}}`), safetensors.IgnoreTotalSize())
	require.NoError(t, err)
	require.NoError(t, x.Close())
}

func TestDamagedShard(t *testing.T) {
	dir := copyShards(t, `{"weight_map":{"a":`+shard1+`,"b":`+shard2+`}}`)
	path := filepath.Join(dir, "model-00002-of-00003.safetensors")
	require.NoError(t, os.Truncate(path, 100))
	_, err := safetensors.OpenIndex(dir)
	require.EqualError(t, err, `safetensors: `+path+`: tensor "b": 128 bytes at offset 0 are beyond the end of the data (2 bytes)`)
}

func TestNoIndex(t *testing.T) {
	dir := t.TempDir()
	_, err := safetensors.OpenIndex(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, filepath.Join(dir, safetensors.IndexName))
}
