package testmodels

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

// TestSmolLM2 hashes the model: every other test takes it as it is.
func TestSmolLM2(t *testing.T) {
	path := RequireSmolLM2(t)
	m, ok := fetch.FindModel("smollm2")
	require.True(t, ok)
	require.NoError(t, fetch.Verify(path, m.SHA256))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	magic := make([]byte, 4)
	_, err = f.Read(magic)
	require.NoError(t, err)
	require.Equal(t, "GGUF", string(magic))

	t.Setenv("PATH", "") // it is kept: no tool and no network are needed again
	again, err := SmolLM2(t.Context())
	require.NoError(t, err)
	require.Equal(t, path, again)
}

// TestChatTemplates fetches the templates and holds that they are kept.
func TestChatTemplates(t *testing.T) {
	if testing.Short() {
		t.Skip("186 MB are fetched the first time")
	}
	dir := RequireChatTemplates(t)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 75)

	t.Setenv("PATH", "")
	again, err := ChatTemplates(t.Context())
	require.NoError(t, err)
	require.Equal(t, dir, again)
}

// recorder is a test that is told to fail.
type recorder struct{ failed bool }

func (r *recorder) Errorf(string, ...any) {}
func (r *recorder) FailNow()              { r.failed = true }

func TestRequireFailsWithoutTheModel(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("PATH", "")
	r := &recorder{}
	RequireSmolLM2(r)
	require.True(t, r.failed, "a test without its model fails, and is not skipped")
}
