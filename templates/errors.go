package templates

import (
	"errors"
	"fmt"
)

// Sentinels that callers branch on with errors.Is.
var (
	// ErrNoTemplate is returned when there is no template to compile or choose.
	ErrNoTemplate = errors.New("no chat template")
	// ErrSyntax is wrapped by errors in the template's text, found by Compile.
	ErrSyntax = errors.New("template syntax")
	// ErrLimit is wrapped when a template exceeds a limit of Limits.
	ErrLimit = errors.New("template limit exceeded")
	// ErrRaised is wrapped when the template itself refuses its input by
	// calling raise_exception; the message is the template's.
	ErrRaised = errors.New("raised by the template")
)

// Error is a failure at a place in a template.
type Error struct {
	Line    int    // 1-based line of the template
	Column  int    // 1-based column, counted in bytes
	Message string // what went wrong, in the words Jinja uses where it has some
	Err     error  // ErrSyntax, ErrLimit, ErrRaised, or nil for a runtime error
}

// Error formats the failure with its place.
func (e *Error) Error() string {
	return fmt.Sprintf("templates: line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Unwrap returns the sentinel that classifies the failure, if any.
func (e *Error) Unwrap() error { return e.Err }

// fault is an error without a place; the evaluator adds the place of the
// innermost expression it passes through.
type fault struct {
	msg string
	err error
}

func (f *fault) Error() string { return f.msg }

func (f *fault) Unwrap() error { return f.err }

func errf(format string, args ...any) error {
	return &fault{msg: fmt.Sprintf(format, args...)}
}

func limitf(format string, args ...any) error {
	return &fault{msg: fmt.Sprintf(format, args...), err: ErrLimit}
}

// at gives err the place p unless it already has one.
func at(err error, p pos) error {
	if err == nil {
		return nil
	}
	var placed *Error
	if errors.As(err, &placed) {
		return err
	}
	var f *fault
	if errors.As(err, &f) {
		return &Error{Line: int(p.line), Column: int(p.col), Message: f.msg, Err: f.err}
	}
	return &Error{Line: int(p.line), Column: int(p.col), Message: err.Error(), Err: err}
}

// wrapError prefixes an error that has no place in a template.
func wrapError(err error) error { return fmt.Errorf("templates: %w", err) }
