package bindings

import (
	"errors"
	"fmt"
	"regexp"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// #include "callback.h"
import "C"

// ErrNotFound is in the chain of errors that say that something asked for is
// not there: a key of a map, a metadata entry of another type, the end of an
// iteration.
var ErrNotFound = errors.New("not found")

// Error is what an operation of MLX failed with.
type Error struct {
	Op      string // the operation, as mlx-c names it without mlx_
	Message string // MLX's message
	Status  int    // mlx-c's status: 1 for an exception, 2 or 3 for not found
	Err     error  // the error that a Go callback returned, or ErrNotFound, or nil
}

// Error gives operation and message.
func (e *Error) Error() string {
	switch {
	case e.Err != nil && e.Status == 1:
		return fmt.Sprintf("bindings: %s: %v", e.Op, e.Err)
	case e.Message == "" && e.Err != nil:
		return fmt.Sprintf("bindings: %s: %v", e.Op, e.Err)
	case e.Message == "":
		return fmt.Sprintf("bindings: %s: failed with status %d and no message", e.Op, e.Status)
	}
	return fmt.Sprintf("bindings: %s: %s", e.Op, e.Message)
}

// Unwrap returns the error of a Go callback, or ErrNotFound.
func (e *Error) Unwrap() error { return e.Err }

// place is where mlx-c says that an exception was caught: always in mlx-c.
var place = regexp.MustCompile(` at \S+\.(cpp|cc|h):\d+$`)

// fail turns a shim's error into an *Error and frees it. A callback's Go error
// takes the place of MLX's message, which only says that one failed.
func fail(op string, message *C.char) error {
	status := int(*(*byte)(unsafe.Pointer(message)))
	text := C.GoString((*C.char)(unsafe.Add(unsafe.Pointer(message), 1)))
	C.free(unsafe.Pointer(message))
	e := &Error{Op: op, Message: strings.TrimSpace(place.ReplaceAllString(text, "")), Status: status}
	if h := C.gm_take_callback_error(); h != 0 {
		handle := cgo.Handle(h)
		e.Err, _ = handle.Value().(error)
		handle.Delete()
	}
	if e.Err == nil && (status == 2 || status == 3) {
		e.Err = ErrNotFound
	}
	return e
}

// refuse makes the error of a check made before the call.
func refuse(op, format string, args ...any) error {
	return &Error{Op: op, Message: fmt.Sprintf(format, args...), Status: 1}
}
