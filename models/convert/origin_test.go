package convert_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// general is what a file says of its model beside how it is stored.
func general(t *testing.T, path string) map[string]any {
	t.Helper()
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	all := map[string]any{}
	for key, value := range f.All() {
		switch key {
		case "general.architecture", "general.type", "general.file_type", "general.quantization_version":
		default:
			if name, ok := strings.CutPrefix(key, "general."); ok {
				all[name] = value.Any()
			}
		}
	}
	return all
}

// A card, a generation_config.json and a folder's name are told in the file, by it in
// the next file, and in the card of the folder that is made of it.
func TestGGUFOrigin(t *testing.T) {
	cached := filepath.Join(t.TempDir(), "models--org--tiny-1M-chat", "snapshots", "0123abcd")
	require.NoError(t, os.MkdirAll(filepath.Dir(cached), 0o750))
	require.NoError(t, os.Rename(parities(t)["qwen3 moe"].folder(t), cached))
	write(t, cached, "README.md", "---\nlicense: mit\nlanguage: de\ntags: [a, b]\nbase_model: org/tiny-1M\n---\n# Tiny\n")
	write(t, cached, "generation_config.json", `{"temperature": 0.5, "top_k": 20}`)
	file, again, dir := filepath.Join(t.TempDir(), "new", "a.gguf"), filepath.Join(t.TempDir(), "b.gguf"), filepath.Join(t.TempDir(), "c")
	_, err := convert.GGUF(t.Context(), cached, file, gguf.TypeF32)
	require.NoError(t, err)
	want := map[string]any{
		"name": "Tiny 1M Chat", "organization": "Org", "basename": "tiny", "finetune": "1m-chat", "size_label": "4x66K", "license": "mit",
		"languages": []string{"de"}, "tags": []string{"a", "b"}, "sampling.temp": float32(0.5), "sampling.top_k": int32(20),
		"base_model.count": uint32(1), "base_model.0.name": "Tiny 1M", "base_model.0.organization": "Org",
		"base_model.0.repo_url": "https://huggingface.co/org/tiny-1M",
	}
	require.Equal(t, want, general(t, file))

	_, err = convert.GGUF(t.Context(), file, again, gguf.TypeF16, convert.BaseModel("Renamed"))
	require.NoError(t, err)
	want["name"] = "Renamed"
	require.Equal(t, want, general(t, again))

	_, err = convert.Folder(t.Context(), file, dir)
	require.NoError(t, err)
	card, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	require.Equal(t, "---\nlicense: mit\nlanguage:\n- de\ntags:\n- a\n- b\n- mlx\nlibrary_name: mlx\npipeline_tag: text-generation\n---\n", string(card))
}

// Files of llama.cpp's own keep what they say.
func TestGGUFOriginOfLlamaCpp(t *testing.T) {
	if testing.Short() {
		t.Skip("converts a real model")
	}
	source, to := testmodels.RequireSmolLM2(t), filepath.Join(t.TempDir(), "again.gguf")
	_, err := convert.GGUF(t.Context(), source, to, gguf.TypeQ8_0)
	require.NoError(t, err)
	require.Equal(t, general(t, source), general(t, to))
}
