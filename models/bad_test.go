package models

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// swap replaces old by new in a file.
func swap(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600))
}

// Whatever is wrong with a folder, the error names the file and the field, and
// nothing is left open.
func TestBadFoldersAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, file func(string) string)
		want  []string
	}{
		{"no config", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.Remove(file("config.json")))
		}, []string{"config.json"}},
		{"config is no JSON", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), "{", "[")
		}, []string{"config.json", "not valid JSON"}},
		{"unknown architecture", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"llama"`, `"lama"`)
		}, []string{"config.json", `model_type: unknown architecture "lama"; known: `}},
		{"a string for a number", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"hidden_size": 32`, `"hidden_size": "32"`)
		}, []string{"config.json", "hidden_size"}},
		{"an absurd size", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"hidden_size": 32`, `"hidden_size": 3200000000000`)
		}, []string{"config.json", "hidden_size"}},
		{"absurdly many layers", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_hidden_layers": 2`, `"num_hidden_layers": 2000000000`)
		}, []string{"config.json", "num_hidden_layers"}},
		{"negative heads", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_attention_heads": 4`, `"num_attention_heads": -4`)
		}, []string{"config.json", "num_attention_heads"}},
		{"heads that do not divide", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_key_value_heads": 2`, `"num_key_value_heads": 3`)
		}, []string{"config.json", "num_key_value_heads"}},
		{"a layer too many", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_hidden_layers": 2`, `"num_hidden_layers": 3`)
		}, []string{"config.json", "model.layers.2.self_attn.q_proj.weight"}},
		{"a layer too few", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_hidden_layers": 2`, `"num_hidden_layers": 1`)
		}, []string{"config.json", "model.layers.1.self_attn.q_proj.weight"}},
		{"another width", func(t *testing.T, file func(string) string) {
			swap(t, file("config.json"), `"num_key_value_heads": 2`, `"num_key_value_heads": 4`)
		}, []string{"config.json", "model.layers.0.self_attn.k_proj.weight has shape [16 32], want [32 32]"}},
		{"no tokenizer", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.Remove(file("tokenizer.json")))
		}, []string{"tokenizer.json", "no tokenizer"}},
		{"a broken tokenizer", func(t *testing.T, file func(string) string) {
			swap(t, file("tokenizer.json"), `"BPE"`, `"XPE"`)
		}, []string{"tokenizer.json", "model.type"}},
		{"a broken template", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.WriteFile(file("chat_template.jinja"), []byte("{% if %}"), 0o600))
		}, []string{"chat_template.jinja", "1:"}},
		{"no weights", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.Remove(file("model.safetensors")))
		}, []string{"safetensors"}},
		{"empty weights", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.Truncate(file("model.safetensors"), 0))
		}, []string{"model.safetensors", "empty"}},
		{"cut weights", func(t *testing.T, file func(string) string) {
			require.NoError(t, os.Truncate(file("model.safetensors"), 30000))
		}, []string{"model.safetensors"}},
		{"a header of 2^60 bytes", func(t *testing.T, file func(string) string) {
			f, err := os.OpenFile(file("model.safetensors"), os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte{0, 0, 0, 0, 0, 0, 0, 0x10}, 0)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}, []string{"model.safetensors", "header"}},
		{"a weight by another name", func(t *testing.T, file func(string) string) {
			swap(t, file("model.safetensors"), "model.norm.weight", "model.nrom.weight")
		}, []string{"model.norm.weight", "model.nrom.weight"}},
		{"a weight of another type", func(t *testing.T, file func(string) string) {
			swap(t, file("model.safetensors"), `"F32"`, `"I32"`)
		}, []string{"safetensors", "I32"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaktest.Check(t)
			dir := tiny(t, "gqa")
			c.spoil(t, func(name string) string { return filepath.Join(dir, name) })
			_, err := Load(t.Context(), dir)
			require.ErrorContains(t, err, "models: load "+dir+": ")
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// Bits flipped anywhere in a header are an error or a model, never a crash or a
// leak.
func TestFlippedBits(t *testing.T) {
	leaktest.Check(t)
	dir := tiny(t, "q4")
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	refused := 0
	for i := 0; i < 2500; i += 23 {
		data[i] ^= 1 << (i % 8)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		m, err := Load(t.Context(), dir)
		if err != nil {
			refused++
		} else {
			require.NoError(t, m.Close())
		}
		data[i] ^= 1 << (i % 8)
	}
	require.Greater(t, refused, 75, "of 109")
}

// The same for the GGUF file of a real model.
func TestBadGGUFFilesAreRefused(t *testing.T) {
	leaktest.Check(t)
	good, err := os.ReadFile(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.gguf")
	for _, c := range []struct {
		name  string
		spoil func() []byte
		want  string
	}{
		{"empty", func() []byte { return nil }, "empty"},
		{"no GGUF", func() []byte { return []byte("PK\x03\x04 this is a zip file, as it were") }, "not a GGUF file"},
		{"cut in the header", func() []byte { return good[:20] }, "model.gguf"},
		{"cut in the vocabulary", func() []byte { return good[:100_000] }, "tokenizer.ggml."},
		{"cut in the weights", func() []byte { return good[:len(good)/2] }, "model.gguf"},
		{"2^60 keys", func() []byte {
			return append(append(bytes.Clone(good[:16]), 0, 0, 0, 0, 0, 0, 0, 0x10), good[24:1000]...)
		}, "model.gguf"},
		{"unknown architecture", func() []byte {
			return bytes.ReplaceAll(good[:2_000_000], []byte("\x05\x00\x00\x00\x00\x00\x00\x00llama"), []byte("\x05\x00\x00\x00\x00\x00\x00\x00lamas"))
		}, "model.gguf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, c.spoil(), 0o600))
			_, err := Load(t.Context(), path)
			require.ErrorContains(t, err, "models: load "+path+": ")
			require.ErrorContains(t, err, c.want)
		})
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_TRUNC, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(good)
	require.NoError(t, err)
	for i := int64(0); i < 1500; i += 151 {
		_, err := f.WriteAt([]byte{good[i] ^ 0x10}, i)
		require.NoError(t, err)
		if m, err := Load(t.Context(), path, WithWeights(Packed)); err == nil {
			require.NoError(t, m.Close())
		}
		_, err = f.WriteAt(good[i:i+1], i)
		require.NoError(t, err)
	}
}

func TestLoadRefusesWhatIsNoModel(t *testing.T) {
	_, err := Load(t.Context(), filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	path := filepath.Join(t.TempDir(), "model.bin")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err = Load(t.Context(), path)
	require.ErrorContains(t, err, "neither a folder nor a .gguf file")
	_, err = Load(t.Context(), tiny(t, "gqa"), WithWeights("fluffy"))
	require.ErrorContains(t, err, `"fluffy" is none of auto, packed and dense`)
	_, err = Load(t.Context(), tiny(t, "gqa"), WithDtype(mlx.Int32))
	require.ErrorContains(t, err, "int32 is none of float32")
}
