package runtime

import (
	"errors"
	"path/filepath"
	stdruntime "runtime"
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
// both, of a Build inside of this one, stays as it is.
func newError(op string, err error) error {
	if inner, ok := errors.AsType[*Error](err); ok && error(inner) == err { //nolint:errorlint // the error itself, not one that it wraps
		return err
	}
	file, line := caller()
	return &Error{Op: op, Message: message(err), File: file, Line: line, Err: notePeerLost(err)}
}

// message returns MLX's message without the bindings' prefix, or the text of the
// Go error that caused it.
func message(err error) string {
	b, ok := errors.AsType[*bindings.Error](err)
	switch {
	case !ok:
		return err.Error()
	case b.Err != nil && b.Status == 1:
		return b.Err.Error()
	case b.Message == "":
		return b.Error()
	}
	return b.Message
}

// here is the prefix of this package's functions in stack frames.
const here = "forge.lthn.ai/core/go-mlx/runtime."

// caller returns the first place outside of this package.
func caller() (file string, line int) {
	var pcs [64]uintptr
	frames := stdruntime.CallersFrames(pcs[:stdruntime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, here) {
			if strings.HasPrefix(f.Function, "runtime.") {
				return "", 0 // the stack's end: there is no caller
			}
			return f.File, f.Line
		}
		if !more {
			return "", 0
		}
	}
}
