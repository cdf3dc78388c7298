package gguf_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

func TestSplitNames(t *testing.T) {
	require.Equal(t, []string{"a/m-00001-of-00002.gguf", "a/m-00002-of-00002.gguf"}, gguf.SplitNames("a/m-00002-of-00002.gguf"))
	for _, alone := range []string{"m.gguf", "m-1-of-2.gguf", "m-00001-of-00000.gguf", "m-00001-of-99999.gguf", "m-00001-of-00002.bin", ""} {
		require.Equal(t, []string{alone}, gguf.SplitNames(alone))
	}
}

// piece writes one file of a split model, with tensors of four numbers.
func piece(t *testing.T, path string, metadata map[string]any, tensors ...string) {
	t.Helper()
	var pairs []gguf.Pair
	for _, key := range []string{"general.architecture", "split.no", "split.count", "split.tensors.count"} {
		if v, ok := metadata[key]; ok {
			value, err := gguf.NewValue(v)
			require.NoError(t, err)
			pairs = append(pairs, gguf.Pair{Key: key, Value: value})
		}
	}
	var infos []gguf.TensorInfo
	for _, name := range tensors {
		infos = append(infos, gguf.TensorInfo{Name: name, Type: gguf.TypeF32, Shape: []int{4}})
	}
	layout, err := gguf.NewLayout(pairs, infos)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, layout.Write(&b, func(w io.Writer, info gguf.TensorInfo) error {
		_, err := fmt.Fprintf(w, "%-16s", info.Name)
		return err
	}))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
}

// Any file of a split model opens all of it.
func TestOpenSplit(t *testing.T) {
	dir := t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("m-%05d-of-00003.gguf", i)) }
	count := map[string]any{"general.architecture": "llama", "split.no": uint16(0), "split.count": uint16(3), "split.tensors.count": int32(4)}
	piece(t, name(1), count, "a", "b")
	piece(t, name(2), map[string]any{"split.no": uint16(1)}, "c")
	piece(t, name(3), map[string]any{"split.no": uint16(2)}, "d")
	for i := 1; i <= 3; i++ {
		f, err := gguf.Open(name(i))
		require.NoError(t, err)
		require.Equal(t, name(1), f.Name())
		arch, err := f.String("general.architecture")
		require.NoError(t, err)
		require.Equal(t, "llama", arch)
		require.Len(t, f.Tensors, 4)
		for _, want := range []string{"a", "b", "c", "d"} {
			info, ok := f.Tensor(want)
			require.True(t, ok)
			data, err := f.Data(info)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("%-16s", want), string(data))
		}
		info, _ := f.Tensor("d")
		require.NoError(t, f.Close())
		_, err = f.Data(info)
		require.ErrorIs(t, err, gguf.ErrClosed)
	}

	piece(t, name(3), nil, "c")
	_, err := gguf.Open(name(1))
	require.ErrorContains(t, err, `m-00003-of-00003.gguf: tensor "c" is in another of its files too`)
	piece(t, name(3), nil, "d", "e")
	_, err = gguf.Open(name(1))
	require.ErrorContains(t, err, `"split.tensors.count" is 4, and the 3 files have 5`)
	require.NoError(t, os.Remove(name(3)))
	_, err = gguf.Open(name(1))
	require.ErrorContains(t, err, "m-00001-of-00003.gguf is one of 3: ")
	require.ErrorIs(t, err, os.ErrNotExist)
	count["split.count"] = uint16(2)
	piece(t, name(1), count, "a", "b")
	_, err = gguf.Open(name(1))
	require.ErrorContains(t, err, `"split.count" is 2, and its name says that it is one of 3`)
	renamed := filepath.Join(dir, "renamed.gguf")
	piece(t, renamed, count, "a", "b")
	_, err = gguf.Open(renamed)
	require.ErrorContains(t, err, `"split.count" is 2, and its name says that it is one of 1`)
}
