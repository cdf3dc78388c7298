package safetensors_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// TestWriteIndexAsMLXLM compares with a checkpoint that mlx-lm saved.
func TestWriteIndexAsMLXLM(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "sharded", safetensors.IndexName))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, safetensors.WriteIndex(&out, 384, 0, map[string]string{
		"c": safetensors.ShardName(2, 3), "a": safetensors.ShardName(0, 3), "b": safetensors.ShardName(1, 3),
	}))
	require.Equal(t, string(want), out.String())
}

func TestWriteIndexEscapesAsPython(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, safetensors.WriteIndex(&out, 1, 2, map[string]string{"<é\U0001f600\u2028\">": "m"}))
	require.Contains(t, out.String(), `"<\u00e9\ud83d\ude00\u2028\">": "m"`)
	full := errors.New("full")
	require.ErrorIs(t, safetensors.WriteIndex(failing{full}, 1, 2, nil), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestSplit(t *testing.T) {
	sizes := func(limit int64, sizes ...int) (out [][]int) {
		var tensors []safetensors.TensorInfo
		for _, n := range sizes {
			tensors = append(tensors, safetensors.TensorInfo{DType: safetensors.U8, Shape: []int{n}})
		}
		shards, err := safetensors.Split(tensors, limit)
		require.NoError(t, err)
		for _, s := range shards {
			var part []int
			for _, info := range s {
				part = append(part, info.Shape[0])
			}
			out = append(out, part)
		}
		return out
	}
	require.Equal(t, [][]int{{4, 6}, {5}, {20}, {1, 9}}, sizes(10, 4, 6, 5, 20, 1, 9))
	require.Equal(t, [][]int{{1}, {1}}, sizes(0, 1, 1))
	require.Equal(t, [][]int{{0, 0, 3}}, sizes(3, 0, 0, 3))
	require.Empty(t, sizes(10))
	require.Equal(t, "model.safetensors", safetensors.ShardName(0, 1))
	_, err := safetensors.Split([]safetensors.TensorInfo{{Name: "a", DType: "X"}}, 1)
	require.ErrorContains(t, err, `tensor "a": unknown dtype "X"`)
}
