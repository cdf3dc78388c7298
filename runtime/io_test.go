package runtime_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// writeSafetensors writes a file by the format's description: the header's size
// in 8 bytes, the header, the data.
func writeSafetensors(t *testing.T, header string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.safetensors")
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	require.NoError(t, os.WriteFile(path, append(file, data...), 0o600))
	return path
}

const header = `{"__metadata__":{"format":"pt"},` +
	`"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},` +
	`"b.weight":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}}`

var content = []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0x80, 0x3f, 0, 0x40, 0x40, 0x40}

func TestLoadSafetensors(t *testing.T) {
	path := writeSafetensors(t, header, content)
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, metadata, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"format": "pt"}, metadata)
		require.Len(t, arrays, 2)
		require.Equal(t, []float32{1, -2}, read[float32](t, th, arrays["a"]))
		require.Equal(t, []float32{1, 2, 3}, read[float32](t, th, arrays["b.weight"]))
	})
}

func TestLoadSafetensorsOfBadFiles(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	tests := map[string]string{
		"missing":             filepath.Join(t.TempDir(), "missing.safetensors"),
		"empty":               empty,
		"no JSON":             writeSafetensors(t, `{"a":`, nil),
		"percent in the path": "/tmp/%n%n.safetensors",
		"NUL in the path":     "a\x00b",
	}
	for name, path := range tests {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				arrays, metadata, err := mlx.LoadSafetensors(th, path)
				require.ErrorContains(t, err, "mlx: load_safetensors: ")
				require.ErrorContains(t, err, "(io_test.go:")
				require.Empty(t, arrays)
				require.Empty(t, metadata)
			})
		})
	}
}

// TestLoadSafetensorsOfATruncatedFile fails where the data is read.
func TestLoadSafetensorsOfATruncatedFile(t *testing.T) {
	path := writeSafetensors(t, header, content[:10])
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, _, err := mlx.LoadSafetensors(th, path)
		if err == nil {
			_, err = mlx.Values[float32](th, arrays["b.weight"])
		}
		for _, a := range arrays {
			require.NoError(t, a.Close())
		}
		require.Error(t, err)
	})
}
