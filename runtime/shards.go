package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// ShardOption changes how SaveShards writes.
type ShardOption func(*sharding)

type sharding struct {
	limit      int64
	parameters int64
	metadata   map[string]string
}

// WithShardSize sets the most bytes of data in a file, 5 GiB without it. An array
// that is larger has a file of its own.
func WithShardSize(bytes int64) ShardOption { return func(s *sharding) { s.limit = bytes } }

// WithShardMetadata sets the metadata of every file, {"format": "mlx"} without it.
func WithShardMetadata(metadata map[string]string) ShardOption {
	return func(s *sharding) { s.metadata = metadata }
}

// WithTotalParameters sets the number of parameters in the index, which for
// quantised weights is not that of the arrays' elements.
func WithTotalParameters(n int64) ShardOption { return func(s *sharding) { s.parameters = n } }

// SaveShards writes arrays to the folder dir, which must exist, as mlx-lm saves a
// model: model-00001-of-00003.safetensors and its like, or model.safetensors where
// one is enough, and model.safetensors.index.json. No file is replaced before all
// are written, and the index is the last.
func SaveShards(t *Thread, dir string, arrays map[string]Array, opts ...ShardOption) error {
	s := &sharding{limit: 5 << 30, parameters: -1, metadata: map[string]string{"format": "mlx"}}
	for _, o := range opts {
		o(s)
	}
	return t.call("save_shards", func(e *engine) error { return s.save(e, dir, arrays) })
}

func (s *sharding) save(e *engine, dir string, arrays map[string]Array) error {
	tensors, err := describe(arrays)
	if err != nil {
		return err
	}
	if len(tensors) == 0 {
		return errors.New("there are no arrays")
	}
	shards, err := safetensors.Split(tensors, s.limit)
	if err != nil {
		return err
	}
	var paths []string
	parts, weights := map[string]map[string]Array{}, map[string]string{}
	for i, shard := range shards {
		name := safetensors.ShardName(i, len(shards))
		part := map[string]Array{}
		for _, info := range shard {
			weights[info.Name], part[info.Name] = name, arrays[info.Name]
		}
		path := filepath.Join(dir, name)
		paths, parts[path] = append(paths, path), part
	}
	size, parameters, err := totals(arrays)
	if err != nil {
		return err
	}
	if s.parameters >= 0 {
		parameters = s.parameters
	}
	paths = append(paths, filepath.Join(dir, safetensors.IndexName))
	return atomicfile.WriteAll(paths, func(path string, w io.Writer) error {
		if part, ok := parts[path]; ok {
			return writeSafetensors(e, w, part, s.metadata)
		}
		return safetensors.WriteIndex(w, size, parameters, weights)
	})
}

// totals counts bytes and elements.
func totals(arrays map[string]Array) (size, elements int64, err error) {
	for name, a := range arrays {
		bytes, err := a.Nbytes()
		if err != nil {
			return 0, 0, fmt.Errorf("tensor %q: %w", name, err)
		}
		n, err := a.Size()
		if err != nil {
			return 0, 0, fmt.Errorf("tensor %q: %w", name, err)
		}
		size, elements = size+int64(bytes), elements+int64(n)
	}
	return size, elements, nil
}

// LoadShards returns the arrays of a folder's model.safetensors.index.json, or of
// its model.safetensors where there is no index, each read when it is evaluated,
// as LoadSafetensors does. The files are checked against the index first. The
// arrays are the caller's to close.
func LoadShards(t *Thread, dir string) (map[string]Array, error) {
	var arrays map[string]Array
	err := t.call("load_shards", func(e *engine) (err error) {
		if _, err = os.Stat(filepath.Join(dir, safetensors.IndexName)); errors.Is(err, fs.ErrNotExist) {
			arrays, _, err = loadSafetensors(e, filepath.Join(dir, safetensors.ShardName(0, 1)))
			return err
		}
		arrays, err = loadShards(e, dir)
		return err
	})
	return arrays, err
}

func loadShards(e *engine, dir string) (map[string]Array, error) {
	x, err := safetensors.OpenIndex(dir)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	arrays := map[string]Array{}
	for _, shard := range x.Shards {
		part, _, err := loadSafetensors(e, shard.Name())
		if err != nil {
			return nil, errors.Join(err, closeMap(arrays))
		}
		for name, a := range part {
			if _, of, ok := x.Tensor(name); ok && of == shard {
				arrays[name] = a
				delete(part, name)
			}
		}
		if err := closeMap(part); err != nil { // no part of the checkpoint
			return nil, errors.Join(err, closeMap(arrays))
		}
	}
	return arrays, nil
}
