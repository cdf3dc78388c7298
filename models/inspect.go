package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/models/modelcard"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// Files is what a model's files say beside its configuration.
type Files struct {
	Weights   []Stored             // by name
	Tokenizer *tokenizer.Tokenizer // nil where there is none
	Templates []string             // names of the chat templates; "default" is the one that is taken
	License   string               // of the model card, or of a GGUF file; empty where nothing is said
	SizeLabel string               // such as 135M or 8x7B, which GGUF files say
}

// Bytes is what the weights take in their files.
func (f *Files) Bytes() (n int64) {
	for _, w := range f.Weights {
		n += w.Bytes
	}
	return n
}

// Inspect is Describe for a model as Load takes it, a folder or a GGUF file. Of
// the weights it reads headers only. Files that a model can do without to be told
// of, the tokenizer and the chat template, may be missing.
func Inspect(ctx context.Context, path string) (*Info, error) {
	info, err := inspect(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("models: inspect %s: %w", path, err)
	}
	return info, nil
}

func inspect(ctx context.Context, path string) (_ *Info, err error) {
	ck, err := openAny(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ck.weights.Close()) }()
	info, err := resolve(ctx, ck.config, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ck.name, err)
	}
	info.Dtype = ck.dtype
	info.Files = &Files{
		Weights: storedWeights(ck.weights, info.Tensors), Tokenizer: ck.text.tokenizer, License: ck.license, SizeLabel: ck.size,
	}
	if info.Files.License == "" {
		info.Files.License = cardLicense(path)
	}
	if ck.text.templates != nil {
		info.Files.Templates = ck.text.templates.Names()
	}
	return info, nil
}

// openAny is open for a model that may lack its tokenizer.
func openAny(path string) (*checkpoint, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openFolderWith(path, optionalText)
	}
	return open(path)
}

// optionalText is folderText for a folder that may have no tokenizer.
func optionalText(dir string) (x text, err error) {
	if _, err := os.Stat(filepath.Join(dir, "tokenizer.json")); errors.Is(err, fs.ErrNotExist) {
		x.templates, err = templates.LoadFolder(dir)
		return x, err
	}
	return folderText(dir)
}

// cardLicense is what a folder's model card says of the licence. A card that is missing
// or broken says nothing.
func cardLicense(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		return ""
	}
	fields, err := modelcard.FrontMatter(data)
	if err != nil {
		return ""
	}
	return modelcard.License(fields)
}
