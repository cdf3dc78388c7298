package bindings_test

import (
	"path/filepath"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// isPythonGGUF requires what testdata/io.py wrote.
func (k kit) isPythonGGUF(g bindings.IOGGUF) {
	k.Helper()
	keys, err := g.GetKeys()
	require.NoError(k, err)
	require.Equal(k, []string{"blk.0.weight"}, keys)
	k.isPythonA(k.array(g.GetArray("blk.0.weight")))

	name, err := g.GetMetadataString("general.name")
	require.NoError(k, err)
	require.Equal(k, "tiny", name)
	size := k.array(g.GetMetadataArray("size"))
	require.NoError(k, size.Eval())
	n, err := size.ItemUint32()
	require.NoError(k, err)
	require.Equal(k, uint32(7), n)
	words, err := g.GetMetadataVectorString("words")
	require.NoError(k, err)
	require.Equal(k, []string{"a", "größer", ""}, words)
}

func TestGGUF(t *testing.T) {
	k := begin(t)
	g, err := bindings.LoadGGUF("testdata/python.gguf", k.s)
	require.NoError(t, err)
	defer g.Close()
	k.isPythonGGUF(g)

	made, err := bindings.NewIOGGUF()
	require.NoError(t, err)
	defer made.Close()
	require.NoError(t, made.SetArray("blk.0.weight", k.floats(pythonA, 2, 3)))
	require.NoError(t, made.SetMetadataString("general.name", "tiny"))
	size := k.array(bindings.AsType(k.array(bindings.NewArrayInt(7)), bindings.Uint32, k.s))
	require.NoError(t, made.SetMetadataArray("size", size))
	require.NoError(t, made.SetMetadataVectorString("words", []string{"a", "größer", ""}))
	k.isPythonGGUF(made)
	path := filepath.Join(t.TempDir(), "x.gguf")
	require.NoError(t, bindings.SaveGGUF(path, made))
	back, err := bindings.LoadGGUF(path, k.s)
	require.NoError(t, err)
	defer back.Close()
	k.isPythonGGUF(back)
}

// Status 2 says that a key is not there, 3 that its value is of another type.
func TestGGUFMetadataByType(t *testing.T) {
	k := begin(t)
	g, err := bindings.LoadGGUF("testdata/python.gguf", k.s)
	require.NoError(t, err)
	defer g.Close()
	reads := map[string]func(key string) error{
		"io_gguf_get_metadata_array":         func(key string) error { return second(g.GetMetadataArray(key)) },
		"io_gguf_get_metadata_string":        func(key string) error { return second(g.GetMetadataString(key)) },
		"io_gguf_get_metadata_vector_string": func(key string) error { return second(g.GetMetadataVectorString(key)) },
	}
	own := map[string]string{
		"io_gguf_get_metadata_array": "size", "io_gguf_get_metadata_string": "general.name",
		"io_gguf_get_metadata_vector_string": "words",
	}
	for op, read := range reads {
		for _, key := range own {
			if key == own[op] {
				continue
			}
			k.fails(read(key), op, "", 3)
			require.ErrorIs(t, read(key), bindings.ErrNotFound)
		}
		k.fails(read("none"), op, "", 2)
		require.ErrorIs(t, read("none"), bindings.ErrNotFound)
		k.fails(read("\x00"), op, "mlx-c cannot carry", 1)
	}
	_, err = g.GetArray("none")
	k.fails(err, "io_gguf_get_array", "", 2)

	has := map[string]func(string) (bool, error){
		"size": g.HasMetadataArray, "general.name": g.HasMetadataString, "words": g.HasMetadataVectorString,
	}
	for key, ask := range has {
		for other := range has {
			got, err := ask(other)
			require.NoError(t, err)
			require.Equal(t, key == other, got, "%s as the type of %s", other, key)
		}
		_, err := ask("none")
		require.ErrorIs(t, err, bindings.ErrNotFound)
	}
}

func TestGGUFFailures(t *testing.T) {
	k := begin(t)
	_, err := bindings.LoadGGUF("testdata/none.gguf", k.s)
	k.fails(err, "load_gguf", "[load_gguf] Failed to open", 1)
	_, err = bindings.LoadGGUF("testdata/python.npy", k.s)
	k.fails(err, "load_gguf", "[load_gguf]", 1)
	var null bindings.IOGGUF
	require.NoError(t, null.Close())
	for op, err := range map[string]error{
		"io_gguf_get_keys":  second(null.GetKeys()),
		"io_gguf_get_array": second(null.GetArray("a")),
		"io_gguf_set_array": null.SetArray("a", k.some()),
		"save_gguf":         bindings.SaveGGUF(filepath.Join(t.TempDir(), "x.gguf"), null),
	} {
		k.fails(err, op, "expected a non-empty mlx_io_gguf", 1)
	}
	g, err := bindings.NewIOGGUF()
	require.NoError(t, err)
	defer g.Close()
	k.fails(g.SetArray("a", array{}), "io_gguf_set_array", "non-empty mlx_array", 1)
	k.fails(g.SetMetadataString("a", "x\x00"), "io_gguf_set_metadata_string", "mlx-c cannot carry", 1)
	err = g.SetMetadataVectorString("a", []string{"x", "\x00"})
	k.fails(err, "io_gguf_set_metadata_vector_string", "mlx-c cannot carry", 1)
	keys, err := g.GetKeys()
	require.NoError(t, err)
	require.Empty(t, keys)
}
