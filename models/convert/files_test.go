package convert_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/convert"
)

// TestFiles looks at what stands beside the weights.
func TestFiles(t *testing.T) {
	from, to := folder(t, references(t), "plain"), filepath.Join(t.TempDir(), "to")
	kept := map[string]string{
		"tokenizer_config.json": `{"eos_token": "</s>"}`, "special_tokens_map.json": "{}", "merges.txt": "a b", "vocab.json": "{}",
		"chat_template.jinja": "{{ x }}", "modeling_tiny.py": "pass", "additional_chat_templates/tool_use.jinja": "{{ y }}",
	}
	require.NoError(t, os.Mkdir(filepath.Join(from, "additional_chat_templates"), 0o700))
	for name, text := range kept {
		write(t, from, name, text)
	}
	write(t, from, "pytorch_model.bin", "not this")
	write(t, from, "README.md", "---\nlicense: mit\nlanguage:\n- de\ntags: chat\nlibrary_name: transformers # theirs\n---\n# Tiny\n\nWords about other weights.\n")
	_, err := convert.Folder(t.Context(), from, to, convert.BaseModel("org/tiny"))
	require.NoError(t, err)
	kept["generation_config.json"] = `{"eos_token_id": [5, 7], "temperature": 0.6}`
	kept["README.md"] = "---\nlicense: mit\nlanguage:\n- de\ntags:\n- chat\n- mlx\nlibrary_name: mlx\npipeline_tag: text-generation\nbase_model: org/tiny\n---\n"
	for name, text := range kept {
		data, err := os.ReadFile(filepath.Join(to, name))
		require.NoError(t, err)
		require.Equal(t, text, string(data), name)
	}
	require.NoFileExists(t, filepath.Join(to, "pytorch_model.bin"))
}

// TestCard is of models with a card that says little, or is broken.
func TestCard(t *testing.T) {
	for name, c := range map[string]struct{ card, want, err string }{
		"none":        {"", "---\nlanguage: en\nlibrary_name: mlx\npipeline_tag: text-generation\ntags:\n- mlx\n---\n", ""},
		"words alone": {"# Tiny\n", "---\nlanguage: en\nlibrary_name: mlx\npipeline_tag: text-generation\ntags:\n- mlx\n---\n", ""},
		"tagged":      {"---\ntags: [mlx, a]\n---", "---\ntags: [mlx, a]\nlibrary_name: mlx\npipeline_tag: text-generation\n---\n", ""},
		"no tags":     {"---\ntags:\nx: 1\n---\n", "---\ntags:\n- mlx\nx: 1\nlibrary_name: mlx\npipeline_tag: text-generation\n---\n", ""},
		"broken":      {"---\na: [1\n---\n", "", "README.md: yaml: "},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := folder(t, references(t), "plain"), filepath.Join(t.TempDir(), "to")
			if c.card != "" {
				write(t, from, "README.md", c.card)
			}
			_, err := convert.Folder(t.Context(), from, to)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			data, err := os.ReadFile(filepath.Join(to, "README.md"))
			require.NoError(t, err)
			require.Equal(t, c.want, string(data))
		})
	}
}
