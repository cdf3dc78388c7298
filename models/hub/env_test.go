package hub_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// clearEnvironment takes away what the machine says.
func clearEnvironment(t *testing.T) (home string) {
	t.Helper()
	for _, name := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
		"HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	return home
}

func TestCacheDir(t *testing.T) {
	home := clearEnvironment(t)
	for _, c := range []struct{ name, value, want string }{
		{"HF_HOME", "", home + "/.cache/huggingface/hub"},
		{"XDG_CACHE_HOME", "/x", "/x/huggingface/hub"},
		{"HF_HOME", "~/hf", home + "/hf/hub"},
		{"HF_HOME", "$HOME/hf", home + "/hf/hub"},
		{"HUGGINGFACE_HUB_CACHE", "/old", "/old"},
		{"HF_HUB_CACHE", "/new", "/new"},
	} {
		t.Setenv(c.name, c.value)
		require.Equal(t, c.want, newClient(t).CacheDir())
	}
}

// TestToken: which one the hub gets.
func TestToken(t *testing.T) {
	home := clearEnvironment(t)
	h := hubtest.Play(t, map[string]hubtest.Content{"config.json": {Data: "{}"}})
	t.Setenv("HF_ENDPOINT", h.Server.URL+"/")
	ask := func() string {
		c := newClient(t, hub.WithCacheDir(t.TempDir()))
		_, err := c.Pull(t.Context(), ref(t, "org/name"))
		require.NoError(t, err)
		return h.Tokens[len(h.Tokens)-1]
	}
	h.WatchTokens()
	require.Equal(t, "", ask())
	file := filepath.Join(home, ".cache", "huggingface", "token")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte("hf_file\n"), 0o600))
	require.Equal(t, "Bearer hf_file", ask())
	other := filepath.Join(home, "other")
	require.NoError(t, os.WriteFile(other, []byte("hf_other"), 0o600))
	t.Setenv("HF_TOKEN_PATH", other)
	require.Equal(t, "Bearer hf_other", ask())
	t.Setenv("HF_TOKEN", "hf_env")
	require.Equal(t, "Bearer hf_env", ask())
	t.Setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
	require.Equal(t, "", ask())
}

func TestBadEnvironment(t *testing.T) {
	clearEnvironment(t)
	for _, address := range []string{"ftp://x", "nonsense", "http://", "https://u:secret@host", "https://host?key=secret", "http://a b/\x7f"} {
		_, err := hub.New(hub.WithEndpoint(address))
		require.ErrorContains(t, err, "HF_ENDPOINT", address)
		require.NotContains(t, err.Error(), "u:secret")
	}
	_, err := hub.New(hub.WithToken("hf_two\nlines"))
	require.ErrorContains(t, err, "the token has characters")
	require.NotContains(t, err.Error(), "hf_two")
}

func TestOfflineVariable(t *testing.T) {
	clearEnvironment(t)
	h := hubtest.Play(t, someModel())
	t.Setenv("HF_ENDPOINT", h.Server.URL)
	t.Setenv("HF_HUB_OFFLINE", "yes")
	_, err := newClient(t, hub.WithCacheDir(t.TempDir())).Get(t.Context(), ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrOffline)
	require.Zero(t, h.Count(""))
}
