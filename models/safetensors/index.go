package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// IndexName is the name of the file that lists the shards of a checkpoint.
const IndexName = "model.safetensors.index.json"

// Index is a sharded checkpoint with all its shards open.
type Index struct {
	// Shards are the open files by name.
	Shards map[string]*File
	// Tensors lists the tensors of the index by name. Shards may hold others, which are not part of the checkpoint.
	Tensors []string

	path  string
	shard map[string]*File // by tensor
}

// IndexOption changes how [OpenIndex] checks.
type IndexOption func(*indexOptions)

type indexOptions struct{ ignoreTotal bool }

// IgnoreTotalSize accepts a checkpoint whose total_size is not the sum of its tensors.
func IgnoreTotalSize() IndexOption { return func(o *indexOptions) { o.ignoreTotal = true } }

// OpenIndex opens the shards that model.safetensors.index.json in dir names. The error lists everything that is
// wrong: shards that are missing or damaged, tensors that a shard should hold and does not, a total size that is not
// that of the tensors.
func OpenIndex(dir string, opts ...IndexOption) (*Index, error) {
	var o indexOptions
	for _, opt := range opts {
		opt(&o)
	}
	x := &Index{Shards: map[string]*File{}, path: filepath.Join(dir, IndexName), shard: map[string]*File{}}
	weights, total, err := readIndex(x.path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", x.path, err)
	}
	if o.ignoreTotal {
		total = -1
	}
	if err := errors.Join(x.open(dir, weights), x.check(weights, total)); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// open opens each shard once. A failed one is in the error and not in Shards.
func (x *Index) open(dir string, weights map[string]string) error {
	names := slices.Compact(slices.Sorted(maps.Values(weights)))
	var errs []error
	for _, name := range names {
		f, err := Open(filepath.Join(dir, name))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		x.Shards[name] = f
	}
	return errors.Join(errs...)
}

// check looks for every tensor in its shard and compares the sum of their sizes with total, if that is not negative.
func (x *Index) check(weights map[string]string, total int64) error {
	x.Tensors = slices.Sorted(maps.Keys(weights))
	var errs []error
	var sum int64
	for _, tensor := range x.Tensors {
		f, ok := x.Shards[weights[tensor]]
		if !ok {
			total = -1 // open has told that the shard is missing
			continue
		}
		info, ok := f.Tensor(tensor)
		if !ok {
			total = -1
			errs = append(errs, fmt.Errorf("safetensors: %s: tensor %q is not in %s", x.path, tensor, weights[tensor]))
			continue
		}
		sum += info.Size
		x.shard[tensor] = f
	}
	if total >= 0 && sum != total {
		errs = append(errs, fmt.Errorf("safetensors: %s: total_size is %d, the tensors take %d bytes", x.path, total, sum))
	}
	return errors.Join(errs...)
}

// readIndex returns the shard of each tensor and the total size, -1 where there is none.
func readIndex(path string) (weights map[string]string, total int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxHeader+1))
	if err != nil {
		return nil, 0, err
	}
	if len(raw) > maxHeader {
		return nil, 0, fmt.Errorf("longer than %d bytes", maxHeader)
	}
	return parseIndex(raw)
}

func parseIndex(raw []byte) (weights map[string]string, total int64, err error) {
	if !utf8.Valid(raw) {
		return nil, 0, errors.New("not valid UTF-8")
	}
	total = -1
	s := newScanner(raw)
	err = s.object(func(key string) (err error) {
		switch key {
		case "metadata":
			total, err = s.totalSize()
		case "weight_map":
			weights, err = s.weightMap()
		default:
			var skipped json.RawMessage
			err = s.dec.Decode(&skipped)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err == nil {
		err = s.end()
	}
	if err == nil && len(weights) == 0 {
		err = errors.New("no tensors in weight_map")
	}
	return weights, total, err
}

// totalSize reads the metadata of an index, of which only the total size matters.
func (s scanner) totalSize() (int64, error) {
	total := int64(-1)
	err := s.object(func(key string) error {
		var value json.RawMessage
		if err := s.dec.Decode(&value); err != nil || key != "total_size" {
			return err
		}
		var n float64 // some writers give 1.2e9 or 1200.0
		if err := json.Unmarshal(value, &n); err != nil || n < 0 || n >= 1<<53 || n != float64(int64(n)) {
			return fmt.Errorf("total_size: %s is no number of bytes", value)
		}
		total = int64(n)
		return nil
	})
	return total, err
}

// weightMap reads the shard of each tensor. Shards are files of the index's own folder and nowhere else.
func (s scanner) weightMap() (map[string]string, error) {
	weights := map[string]string{}
	err := s.object(func(tensor string) error {
		shard, err := s.str()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", tensor, err)
		}
		if shard == "." || !filepath.IsLocal(shard) || strings.ContainsAny(shard, `/\`) {
			return fmt.Errorf("tensor %q: shard %q is no file name", tensor, shard)
		}
		weights[tensor] = shard
		return nil
	})
	return weights, err
}

// Tensor returns the tensor of that name and the shard that holds it.
func (x *Index) Tensor(name string) (TensorInfo, *File, bool) {
	f, ok := x.shard[name]
	if !ok {
		return TensorInfo{}, nil, false
	}
	info, _ := f.Tensor(name)
	return info, f, true
}

// Close closes every shard. A second Close does nothing.
func (x *Index) Close() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(x.Shards)) {
		errs = append(errs, x.Shards[name].Close())
	}
	return errors.Join(errs...)
}
