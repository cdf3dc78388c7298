package convert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ErrNotEmpty is wrapped when the folder that is to be written has files in it.
var ErrNotEmpty = errors.New("the folder is not empty")

// Result is what a conversion wrote.
type Result struct {
	Parameters int64 // as mlx-lm counts them
	Bytes      int64 // of all tensors
	Shards     int
	Kept       int // weights that stay packed as they were, where others were to be packed
}

// BitsPerWeight is the average over all weights, scales included.
func (r *Result) BitsPerWeight() float64 { return float64(r.Bytes) * 8 / float64(r.Parameters) }

// Folder converts the Hugging Face folder or the GGUF file from into the folder to,
// which must not exist or be empty. Blocks of a GGUF file become MLX's groups of the
// same numbers, as package quant has them, and its vocabulary a tokenizer.json. The
// folders above are made. When it fails there is no folder.
func Folder(ctx context.Context, from, to string, opts ...Option) (*Result, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	r, err := s.folder(ctx, from, filepath.Clean(to))
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return r, nil
}

func (s *settings) folder(ctx context.Context, from, to string) (r *Result, err error) {
	if err := vacant(to); err != nil {
		return nil, err
	}
	ck, err := models.OpenAdapted(from, s.adapter)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ck.Close()) }()
	data, err := ck.FolderConfig()
	if err != nil {
		return nil, err
	}
	config, err := readConfig(data, from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	dtype := s.dtype
	if d, ok := dtypeNames[config.dtype()]; ok && dtype == nil && s.adapter == "" {
		dtype = &d
	}
	items, err := s.plan(ck, dtype)
	if err != nil {
		return nil, err
	}
	s.settle(&config, items)
	if err := room(to); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := s.others(from, dir, config); err != nil {
		return nil, err
	}
	if r, err = s.weights(ctx, dir, items); err != nil {
		return nil, err
	}
	if s.quantise {
		r.Kept = kept(items)
	}
	return r, publish(dir, to)
}

// weights converts and writes all of them.
func (s *settings) weights(ctx context.Context, dir string, items []*item) (r *Result, err error) {
	o, err := newOutput(dir, items, s.shard)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	for i, it := range items {
		s.progress(i, len(items), it.Name)
		err := s.worker.Do(ctx, func(t *mlx.Thread) error { return o.write(ctx, t, it) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Name, err)
		}
	}
	s.progress(len(items), len(items), "")
	r = &Result{Parameters: parameters(items), Bytes: o.size, Shards: len(o.files)}
	return r, o.finish(r.Parameters)
}

// kept counts weights that were packed and stay as they are.
func kept(items []*item) (n int) {
	for _, it := range items {
		if it.from.Bits > 0 && it.from == it.to {
			n++
		}
	}
	return n
}

// parameters counts as mlx-lm does: what stands beside layers, and not in one, is
// left out.
func parameters(items []*item) (n int64) {
	inner := map[string]bool{} // what has layers beneath it
	owner := func(name string) string { return name[:max(0, strings.LastIndexByte(name, '.'))] }
	for _, it := range items {
		for at := owner(owner(it.Name)); at != ""; at = owner(at) {
			inner[at] = true
		}
	}
	for _, it := range items {
		if inner[owner(it.Name)] {
			continue
		}
		size := int64(1)
		for _, d := range it.Shape() {
			size *= int64(d)
		}
		n += size
	}
	return n
}

// vacant refuses a folder with files in it.
func vacant(to string) error {
	entries, err := os.ReadDir(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s: %w", to, ErrNotEmpty)
	}
	return nil
}

// room makes the folder that to will be in.
func room(to string) error { return os.MkdirAll(filepath.Dir(to), 0o755) } //nolint:gosec // as mkdir makes them

// publish gives the folder dir its name.
func publish(dir, to string) error {
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // as mkdir makes them
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty, or a file came meanwhile
		return err
	}
	return os.Rename(dir, to)
}
