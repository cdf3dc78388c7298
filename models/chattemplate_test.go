package models

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/templates"
)

// A model chooses among its templates by what the conversation has, and takes one
// that Load is given in place of its default.
func TestModelChoosesItsChatTemplate(t *testing.T) {
	leaktest.Check(t)
	dir := tiny(t, "gqa") // a is token 0, b is 1, <e> is 3
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"eos_token": "<e>",
		"chat_template": [{"name": "default", "template": "a{{ eos_token }}"}, {"name": "tool_use", "template": "b"},
			{"name": "rag", "template": "ab"}]}`), 0o600))
	hi := []templates.Message{{Role: "user", Content: "x"}}
	own := loadTest(t, dir)
	given, err := templates.Compile("bb{{ eos_token }}")
	require.NoError(t, err)
	other := loadTest(t, dir, WithChatTemplate(given))
	for _, c := range []struct {
		model *Model
		chat  templates.Chat
		want  []int32
	}{
		{own, templates.Chat{Messages: hi}, []int32{0, 3}},
		{own, templates.Chat{Messages: hi, Tools: []any{}}, []int32{1}},
		{own, templates.Chat{Messages: hi, Variant: "rag"}, []int32{0, 1}},
		{other, templates.Chat{Messages: hi}, []int32{1, 1, 3}},
		{other, templates.Chat{Messages: hi, Tools: []any{}}, []int32{1}},
	} {
		ids, err := c.model.ChatTokens(c.chat)
		require.NoError(t, err)
		require.Equal(t, c.want, ids, "%+v", c.chat)
	}
	_, err = own.ChatTokens(templates.Chat{Messages: hi, Variant: "nope"})
	require.ErrorIs(t, err, ErrNoChatTemplate)
	require.ErrorContains(t, err, `"nope": the model has default, rag, tool_use`)
}
