package models

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// ggufFile is a GGUF file that a test makes.
type ggufFile struct {
	pairs   []gguf.Pair
	tensors []gguf.TensorInfo
	data    [][]byte
}

// set adds metadata; a key that is there already gets the new value.
func (f *ggufFile) set(t testing.TB, key string, v any) {
	t.Helper()
	value, err := gguf.NewValue(v)
	require.NoError(t, err, key)
	for i := range f.pairs {
		if f.pairs[i].Key == key {
			f.pairs[i].Value = value
			return
		}
	}
	f.pairs = append(f.pairs, gguf.Pair{Key: key, Value: value})
}

// unset takes metadata away.
func (f *ggufFile) unset(key string) {
	for i := range f.pairs {
		if f.pairs[i].Key == key {
			f.pairs = append(f.pairs[:i:i], f.pairs[i+1:]...)
			return
		}
	}
}

// add adds a tensor of any type.
func (f *ggufFile) add(name string, typ gguf.Type, data []byte, shape ...int) {
	f.tensors = append(f.tensors, gguf.TensorInfo{Name: name, Type: typ, Shape: shape})
	f.data = append(f.data, data)
}

// addFloats adds a tensor of type F32.
func (f *ggufFile) addFloats(t testing.TB, name string, values []float32, shape ...int) {
	t.Helper()
	data, err := binary.Append(nil, binary.LittleEndian, values)
	require.NoError(t, err)
	f.add(name, gguf.TypeF32, data, shape...)
}

// vocabulary adds a byte-level tokenizer of n letters.
func (f *ggufFile) vocabulary(t testing.TB, n int) {
	t.Helper()
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = string(rune('0' + i))
	}
	f.set(t, "tokenizer.ggml.model", "gpt2")
	f.set(t, "tokenizer.ggml.pre", "gpt-2")
	f.set(t, "tokenizer.ggml.tokens", tokens)
	f.set(t, "tokenizer.ggml.merges", []string{})
}

// write writes the file and returns its path.
func (f *ggufFile) write(t testing.TB) string {
	t.Helper()
	layout, err := gguf.NewLayout(f.pairs, f.tensors)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.gguf")
	out, err := os.Create(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, out.Close()) }()
	i := 0
	require.NoError(t, layout.Write(out, func(w io.Writer, _ gguf.TensorInfo) error {
		i++
		_, err := w.Write(f.data[i-1])
		return err
	}))
	return path
}
