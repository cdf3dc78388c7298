package runtime

import (
	"errors"
	"path"
	"path/filepath"
	stdruntime "runtime"
	"slices"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// errNull is what a function says of the zero Array.
var errNull = errors.New("the array is null (never made, or closed)")

// Error says which operation failed, why, and where in the caller's code it
// stands: the first frame outside of this package. The place is looked up only
// on failure.
type Error struct {
	Op      string // the operation, or "" for a Scope.Fail
	Message string // MLX's message, or that of Err
	File    string // the caller's source file, with its path
	Line    int    // the line in File
	Err     error  // what the operation returned
}

// Error reads "mlx: matmul: shapes (2,3) and (2,3) ... (qwen3.go:88)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("mlx: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(strings.TrimPrefix(e.Message, "["+e.Op+"] ")) // MLX repeats it
	if e.File != "" {
		b.WriteString(" (" + filepath.Base(e.File) + ":" + strconv.Itoa(e.Line) + ")")
	}
	return b.String()
}

// Unwrap returns the error below: the bindings' *Error or a Go error that was
// given to Scope.Fail or returned by a callback.
func (e *Error) Unwrap() error { return e.Err }

// newError gives err an operation and the caller's place. An error that has
// both, of a Build inside of this one or of a function that MLX called back,
// stays as it is.
func newError(op string, err error) error {
	if b, ok := err.(*bindings.Error); ok && b.Err != nil { //nolint:errorlint // the error itself, not one that it wraps
		if inner, ok := b.Err.(*Error); ok { //nolint:errorlint // as above
			return inner
		}
	}
	if inner, ok := err.(*Error); ok { //nolint:errorlint // as above
		return inner
	}
	file, line := caller()
	return &Error{Op: op, Message: message(err), File: file, Line: line, Err: notePeerLost(err)}
}

// message returns the error's text, with MLX's message alone, or that of the Go
// error that caused it, where the bindings' error stands in it.
func message(err error) string {
	b, ok := errors.AsType[*bindings.Error](err)
	if !ok {
		return err.Error()
	}
	return strings.Replace(err.Error(), b.Error(), plainMessage(b), 1)
}

func plainMessage(b *bindings.Error) string {
	switch {
	case b.Err != nil && b.Status == 1:
		return b.Err.Error()
	case b.Message == "":
		return b.Error()
	}
	return b.Message
}

// here is the folder of this package's files, as stack frames name it.
var here = func() string {
	_, file, _, _ := stdruntime.Caller(0)
	return path.Dir(file)
}()

// passing are the prefixes of functions through which MLX calls back, Go panics,
// and operations are called by name.
var passing = []string{"runtime.", "reflect.", "forge.lthn.ai/core/go-mlx/bindings.", "_cgoexp_"}

// caller returns the first place outside of this package. It goes by the file: a
// function literal of this package that was inlined has the caller's name.
func caller() (file string, line int) {
	var pcs [256]uintptr
	frames := stdruntime.CallersFrames(pcs[:stdruntime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		own := path.Dir(f.File) == here && !strings.HasSuffix(f.File, "_test.go")
		own = own || slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(f.Function, p) })
		switch {
		case !own:
			return f.File, f.Line
		case !more:
			return "", 0
		}
	}
}
