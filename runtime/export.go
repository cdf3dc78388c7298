package runtime

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
)

// NamedFunc is a Func that takes arrays by name as well. They, too, are the
// caller's.
type NamedFunc func(s *Scope, args []Array, named map[string]Array) []Array

// ExportOption changes how ExportFunction writes.
type ExportOption func(*exporting)

type exporting struct {
	traces    [][]Array
	shapeless bool
}

// WithTrace adds the graph for other arguments to the file: each combination of
// shapes and dtypes that the function is to be called with needs one.
func WithTrace(args ...Array) ExportOption {
	return func(x *exporting) { x.traces = append(x.traces, args) }
}

// WithoutShapes lets a graph serve all shapes with the same numbers of
// dimensions, as Shapeless does for Compile, and under the same conditions.
func WithoutShapes() ExportOption { return func(x *exporting) { x.shapeless = true } }

// ExportFunction runs f with args, which need not be computed, and writes the
// graph that it builds to a .mlxfn file, which is there whole or not at all.
// Arrays that f uses beside args are computed and become part of the file. Python
// reads it by mlx.core.import_function; the format may change between versions of
// MLX. See mlx.core.export_function.
func ExportFunction(t *Thread, path string, f Func, args []Array, opts ...ExportOption) error {
	return t.call("export_function", func(e *engine) error {
		return atomicfile.WritePath(path, func(tmp string) error { return e.export(tmp, f, args, opts) })
	})
}

// WriteFunction is ExportFunction to w, by way of a temporary file.
func WriteFunction(t *Thread, w io.Writer, f Func, args []Array, opts ...ExportOption) error {
	return t.call("write_function", func(e *engine) error {
		return spooledOut(w, func(tmp string) error { return e.export(tmp, f, args, opts) })
	})
}

// ExportNamed is ExportFunction for a function that takes arrays by name as well.
// The file holds one graph: WithTrace is an error.
func ExportNamed(t *Thread, path string, f NamedFunc, args []Array, named map[string]Array, opts ...ExportOption) error {
	return t.call("export_named", func(e *engine) error {
		return atomicfile.WritePath(path, func(tmp string) error { return e.exportNamed(tmp, f, args, named, opts) })
	})
}

// spooledOut copies to w what f writes to a file that is gone afterwards.
func spooledOut(w io.Writer, f func(path string) error) error {
	return spooled(eof{}, "*.mlxfn", func(path string) error {
		if err := f(path); err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(w, file)
		return err
	})
}

// eof is a reader of nothing.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (e *engine) export(path string, f Func, args []Array, opts []ExportOption) error {
	e.exporting = true
	defer func() { e.exporting = false }()
	x := &exporting{traces: [][]Array{args}}
	for _, o := range opts {
		o(x)
	}
	for i, trace := range x.traces {
		if err := notNull(trace); err != nil {
			return fmt.Errorf("trace %d: %w", i, err)
		}
	}
	c, err := e.closureOf(f.returning("export_function"))
	if err != nil {
		return err
	}
	defer c.Close()
	return x.write(path, c)
}

// closureOf makes f a closure of MLX outside of a Build.
func (e *engine) closureOf(f Func) (bindings.Closure, error) {
	s := e.scope()
	defer s.release()
	return s.closure(f)
}

func notNull(arrays []Array) error {
	for i, a := range arrays {
		if a.IsNull() {
			return fmt.Errorf("argument %d: %w", i, errNull)
		}
	}
	return nil
}

func (x *exporting) write(path string, c bindings.Closure) error {
	exporter, err := bindings.NewFunctionExporter(path, c, x.shapeless)
	if err != nil {
		return err
	}
	for i, args := range x.traces {
		if err = exporter.Apply(args); err != nil {
			if i > 0 {
				err = fmt.Errorf("trace %d: %w", i, err)
			}
			break
		}
	}
	if closing := exporter.Close(); err == nil {
		err = closing
	}
	return err
}

func (e *engine) exportNamed(path string, f NamedFunc, args []Array, named map[string]Array, opts []ExportOption) error {
	e.exporting = true
	defer func() { e.exporting = false }()
	x := &exporting{}
	for _, o := range opts {
		o(x)
	}
	if len(x.traces) > 0 {
		return errors.New("a file of a function with named arguments holds one trace")
	}
	if err := notNull(args); err != nil {
		return err
	}
	for name, a := range maps.All(named) {
		if a.IsNull() {
			return fmt.Errorf("argument %q: %w", name, errNull)
		}
	}
	c, err := bindings.NewClosureKwargs(func(args []Array, named map[string]Array) ([]Array, error) {
		return e.inside(e.stream, nil, func(s *Scope) []Array {
			return Func(func(s *Scope, args []Array) []Array { return f(s, args, named) }).returning("export_named")(s, args)
		})
	})
	if err != nil {
		return err
	}
	defer c.Close()
	return bindings.ExportFunctionKwargs(path, c, args, named, x.shapeless)
}
