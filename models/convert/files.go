package convert

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models"
)

// carried are the files that stand beside weights and are taken over: of the
// tokenizer, the chat templates, generation, and the model's own code.
var carried = []string{
	"tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.tiktoken", "tiktoken.model",
	"chat_template*", "*.jinja", "additional_chat_templates/*.jinja", "generation_config.json", "*.py",
}

// isGGUF tells a GGUF file from a folder.
func isGGUF(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }

// beside reads a file of the folder from; one that is not there is empty, and a GGUF
// file has none.
func beside(from, name string) ([]byte, error) {
	if isGGUF(from) {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return data, err
}

// others writes everything that is not weights.
func (s *settings) others(from, dir string, c config) error {
	err := create(filepath.Join(dir, "config.json"), func(w io.Writer) error { return writePython(w, c.object) })
	if err != nil {
		return err
	}
	if isGGUF(from) {
		return errors.Join(unpackText(from, dir), s.card(from, dir))
	}
	var names []string
	for _, pattern := range carried {
		found, err := fs.Glob(os.DirFS(from), pattern)
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if err := carry(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return s.card(from, dir)
}

// unpackText writes the files about text that a GGUF file holds.
func unpackText(from, dir string) error {
	files, err := models.GGUFFolderFiles(from)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := create(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := w.Write(files[name])
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carry copies a file, and leaves folders.
func carry(from, to string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // as mkdir makes them
		return err
	}
	return create(to, func(w io.Writer) error {
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return nil
	})
}
