package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// Cached returns the path of a snapshot that is in the cache, as Pull does, without
// the network. One that is missing, or lacks files, is ErrNotCached.
func (c *Client) Cached(r Ref) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	path, err := c.cached(r)
	if err != nil {
		if c.offline {
			err = errors.Join(err, ErrOffline)
		}
		name := Ref{Repo: r.Repo, Revision: r.revision(), File: r.File}
		return "", &notCached{fmt.Sprintf("hub: %s: %s; get it with: mlx pull %s", name, oneLine(err), r), err}
	}
	return path, nil
}

// notCached is ErrNotCached with what to do.
type notCached struct {
	text string
	err  error
}

func (e *notCached) Error() string { return e.text }
func (e *notCached) Unwrap() error { return e.err }

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", ", ") }

func (c *Client) cached(r Ref) (string, error) {
	commit := c.commitOf(r)
	if commit == "" {
		return "", fmt.Errorf("%w %s", ErrNotCached, c.cacheDir)
	}
	dir := c.snapshotDir(r, commit)
	there, err := snapshotFiles(dir)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", ErrNotCached, c.cacheDir, err)
	}
	listed := c.readTree(r, commit)
	all := listed
	if listed == nil {
		all = there
	}
	files, err := c.pick(r, all)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", ErrNotCached, c.cacheDir, err)
	}
	for _, f := range files {
		if !slices.ContainsFunc(there, func(t file) bool { return t.Path == f.Path }) {
			return "", fmt.Errorf("%w %s as a whole: %s is missing", ErrNotCached, c.cacheDir, f.Path)
		}
	}
	path := c.modelPath(r, commit, files)
	if path == dir && len(c.allow) == 0 {
		if err := whole(dir, there); err != nil {
			return "", fmt.Errorf("%w %s as a whole: %w", ErrNotCached, c.cacheDir, err)
		}
	}
	return path, nil
}

// snapshotFiles lists the files of a snapshot whose bytes are there.
func snapshotFiles(dir string) ([]file, error) {
	var out []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return nil // a link to a blob that is gone
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out = append(out, file{filepath.ToSlash(rel), info.Size()})
		return nil
	})
	return out, err
}

// readTree is the list of files that newer versions of huggingface_hub keep of a
// commit; nil where there is none.
func (c *Client) readTree(r Ref, commit string) []file {
	data, err := os.ReadFile(filepath.Join(c.cacheDir, r.folder(), "trees", commit+".json"))
	if err != nil {
		return nil
	}
	var tree struct {
		Version int `json:"format_version"`
		Files   map[string]struct {
			Size int64 `json:"size"`
		} `json:"files"`
	}
	if json.Unmarshal(data, &tree) != nil || tree.Version != 1 {
		return nil
	}
	var out []file
	for name, f := range tree.Files {
		out = append(out, file{name, f.Size})
	}
	return out
}

// whole looks for what a model cannot be loaded without: another program may have
// fetched only its tokenizer, or was interrupted.
func whole(dir string, there []file) error {
	has := func(name string) bool {
		return slices.ContainsFunc(there, func(f file) bool { return f.Path == name })
	}
	if has("adapter_config.json") && !has("config.json") {
		return nil
	}
	if !has("config.json") {
		return errors.New("config.json is missing")
	}
	if !has(safetensors.IndexName) {
		if !slices.ContainsFunc(there, func(f file) bool { return strings.HasSuffix(f.Path, ".safetensors") }) {
			return errors.New("the weights are missing")
		}
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, safetensors.IndexName))
	if err != nil {
		return err
	}
	var index struct {
		Weights map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("%s: %w", safetensors.IndexName, err)
	}
	for _, name := range index.Weights {
		if !has(name) {
			return fmt.Errorf("%.200q is missing", name)
		}
	}
	return nil
}
