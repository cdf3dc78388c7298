package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// output is the weight files of a new folder, written a tensor at a time in any
// order: where each tensor lies is known beforehand.
type output struct {
	dir    string
	files  []*os.File
	places map[string]place
	shards map[string]string // file names by tensor
	size   int64
}

// place is where a tensor's bytes belong.
type place struct {
	file *os.File
	safetensors.TensorInfo
}

// newOutput creates the files, with their headers. Close it.
func newOutput(dir string, items []*item, limit int64) (*output, error) {
	var tensors []safetensors.TensorInfo
	for _, it := range items {
		tensors = append(tensors, it.parts...)
	}
	shards, err := safetensors.Split(tensors, limit)
	if err != nil {
		return nil, err
	}
	o := &output{dir: dir, places: map[string]place{}, shards: map[string]string{}}
	for i, shard := range shards {
		if err := o.create(safetensors.ShardName(i, len(shards)), shard); err != nil {
			return nil, errors.Join(err, o.Close())
		}
	}
	return o, nil
}

func (o *output) create(name string, tensors []safetensors.TensorInfo) error {
	h, err := safetensors.NewHeader(tensors, map[string]string{"format": "mlx"})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(o.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	o.files = append(o.files, f)
	for _, info := range h.Tensors {
		o.places[info.Name], o.shards[info.Name] = place{f, info}, name
		o.size += info.Size
	}
	_, err = h.WriteTo(f)
	return err
}

// write converts one weight and puts it into its places.
func (o *output) write(ctx context.Context, t *mlx.Thread, it *item) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	arrays, err := it.arrays(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mlx.CloseAll(arrays...), t.ClearCache()) }()
	if len(arrays) != len(it.parts) {
		return fmt.Errorf("%d arrays for %d tensors", len(arrays), len(it.parts))
	}
	for i, part := range it.parts {
		at := o.places[part.Name]
		n, err := arrays[i].Nbytes()
		if err != nil {
			return err
		}
		if int64(n) != at.Size {
			return fmt.Errorf("%s takes %d bytes, not %d", part.Name, n, at.Size)
		}
		if err := mlx.WriteBytes(t, io.NewOffsetWriter(at.file, at.Offset), arrays[i]); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the index and sees everything to the disk.
func (o *output) finish(parameters int64) error {
	for _, f := range o.files {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return create(filepath.Join(o.dir, safetensors.IndexName), func(w io.Writer) error {
		return safetensors.WriteIndex(w, o.size, parameters, o.shards)
	})
}

// Close closes the files.
func (o *output) Close() error {
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	o.files = nil
	return errors.Join(errs...)
}

// create writes a new file and sees it to the disk.
func create(path string, write func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
