package safetensors_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

func open(t testing.TB, name string) *safetensors.File {
	t.Helper()
	f, err := safetensors.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// The file was written by the reference implementation with known bytes (testdata/dump.py).
func TestEveryDType(t *testing.T) {
	f := open(t, "dtypes.safetensors")
	require.Equal(t, map[string]string{"format": "test", "note": "\u4e16\u754c \"quoted\""}, f.Metadata)
	raw, err := os.ReadFile("testdata/dtypes.json")
	require.NoError(t, err)
	var want map[string]string
	require.NoError(t, json.Unmarshal(raw, &want))
	require.Len(t, f.Tensors, len(want))
	for name, data := range want {
		info, ok := f.Tensor("t." + name)
		require.True(t, ok, name)
		require.Equal(t, safetensors.DType(name), info.DType)
		require.Equal(t, []int{4, 2}, info.Shape)
		got, err := f.Data(info)
		require.NoError(t, err)
		require.Equal(t, data, hex.EncodeToString(got), name)
	}
}

func TestTensorsByOffset(t *testing.T) {
	f := open(t, "tiny.safetensors")
	var names []string
	end := f.Tensors[0].Offset
	for _, info := range f.Tensors {
		names = append(names, info.Name)
		require.Equal(t, end, info.Offset)
		end += info.Size
	}
	require.Equal(t, []string{"embed.weight", "none", "scalar", "norm.weight"}, names)
	stat, err := os.Stat(f.Name())
	require.NoError(t, err)
	require.Equal(t, stat.Size(), end)

	scalar, ok := f.Tensor("scalar")
	require.True(t, ok)
	require.Empty(t, scalar.Shape)
	data, err := f.Data(scalar)
	require.NoError(t, err)
	require.Equal(t, []byte{7, 0, 0, 0}, data)
	none, _ := f.Tensor("none")
	require.Equal(t, []int{0, 4}, none.Shape)
	data, err = f.Data(none)
	require.NoError(t, err)
	require.Empty(t, data)

	_, ok = f.Tensor("absent")
	require.False(t, ok)
	scalar.Size = 1 << 40
	_, err = f.Data(scalar)
	require.EqualError(t, err, `safetensors: testdata/tiny.safetensors: tensor "scalar" is not in this file`)
}

func TestClose(t *testing.T) {
	f := open(t, "tiny.safetensors")
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err := f.Data(f.Tensors[0])
	require.ErrorIs(t, err, safetensors.ErrClosed)
	require.EqualError(t, err, `safetensors: testdata/tiny.safetensors: tensor "embed.weight": file is closed`)
	require.Len(t, f.Tensors, 4, "the header outlives the mapping")
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := safetensors.Open(filepath.Join(dir, "absent.safetensors"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "absent.safetensors")
	_, err = safetensors.Open(dir)
	require.EqualError(t, err, "safetensors: "+dir+": not a regular file")
	empty := filepath.Join(dir, "empty.safetensors")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = safetensors.Open(empty)
	require.EqualError(t, err, "safetensors: "+empty+": the file is empty")
}

// mlx.core.save_safetensors writes null where it is given no metadata.
func TestMetadataMayBeNull(t *testing.T) {
	data := file(`{"__metadata__":null}`, 0)
	h, err := safetensors.ParseHeader(bytes.NewReader(data), int64(len(data)), "test")
	require.NoError(t, err)
	require.Empty(t, h.Metadata)
}
