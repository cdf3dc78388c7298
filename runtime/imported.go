package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/mmap"
)

// Imported is a function that was read from a .mlxfn file: the graphs that
// ExportFunction, or Python's mlx.core.export_function, wrote. It belongs to the
// Worker of the Thread that imported it.
type Imported struct {
	e         *engine
	handle    bindings.ImportedFunction
	shapeless bool
	closed    atomic.Bool
}

// ImportFunction reads a .mlxfn file. It computes where it was traced, but on the
// CPU where this thread has no GPU. The constants of the graphs are read when they
// are needed: leave the file as it is until then.
//
// MLX builds what the file says with few checks of its own: a file of unknown
// origin is to be trusted no more than a program.
func ImportFunction(t *Thread, path string) (*Imported, error) {
	var f *Imported
	err := t.call("import_function", func(e *engine) (err error) {
		f, err = e.importFunction(path)
		return err
	})
	return f, err
}

// ReadFunction is ImportFunction from r, by way of a temporary file.
func ReadFunction(t *Thread, r io.Reader) (*Imported, error) {
	var f *Imported
	err := t.call("read_function", func(e *engine) error {
		return spooled(r, "*.mlxfn", func(path string) (err error) {
			f, err = e.importFunction(path)
			return err
		})
	})
	return f, err
}

// importFunction reads the file, or a copy that names the streams of this thread.
func (e *engine) importFunction(path string) (*Imported, error) {
	data, unmap, err := mmap.OpenPrivate(path)
	if err != nil {
		return nil, err
	}
	defer unmap() //nolint:errcheck // memory that exists can be given back
	where, err := e.place()
	if err != nil {
		return nil, err
	}
	shapeless, start := header(data)
	changed, err := where.apply(data, start)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &Imported{e: e, shapeless: shapeless}
	open := func(path string) (err error) {
		f.handle, err = bindings.NewImportedFunction(path)
		return err
	}
	if changed == 0 {
		err = open(path)
	} else {
		err = spooled(bytes.NewReader(data), "*.mlxfn", open)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Call adds the graph for the shapes and dtypes of args to what s builds, and
// returns its results, which s owns. Arguments for which the file holds no graph
// are an error. A function that was exported without shapes cannot be called
// inside of one that is transformed, which MLX (0.32.2) does not survive.
func (f *Imported) Call(s *Scope, args ...Array) []Array { return f.ApplyNamed(s, args, nil) }

// Apply is Call as a [Func]: Grad(f.Apply).
func (f *Imported) Apply(s *Scope, args []Array) []Array { return f.ApplyNamed(s, args, nil) }

// ApplyNamed is Apply with arguments by name.
func (f *Imported) ApplyNamed(s *Scope, args []Array, named map[string]Array) []Array {
	if !s.ok() {
		return nil
	}
	const op = "imported_function"
	switch {
	case s.e != f.e:
		s.failOp(op, errors.New("the function was imported on another Worker"))
		return nil
	case f.closed.Load():
		s.failOp(op, errors.New("the imported function is closed"))
		return nil
	case f.shapeless && s.e.depth > 0:
		s.failOp(op, errors.New("a function that was exported without shapes cannot be transformed"))
		return nil
	}
	if err := notNull(args); err != nil {
		s.failOp(op, err)
		return nil
	}
	out, err := f.handle.ApplyKwargs(args, named)
	return s.ownAll(op, out, err)
}

// Close frees the function on its Worker's thread, after the functions that are
// waiting there; inside of Do at once. What it returned stays good, computed or
// not. A second Close does nothing.
func (f *Imported) Close() error {
	err := f.e.worker.Do(context.Background(), func(*Thread) error { return f.close() })
	if errors.Is(err, ErrStopped) {
		return f.close()
	}
	return err
}

func (f *Imported) close() error {
	if f.closed.Swap(true) {
		return nil
	}
	if err := f.handle.Close(); err != nil {
		return newError("imported_function_free", err)
	}
	return nil
}
