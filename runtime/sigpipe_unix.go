//go:build unix

package runtime

import (
	"os/signal"
	"syscall"
)

// ignoreSIGPIPE lets MLX's ring get an error, where a peer has gone, instead of
// the signal that ends a Go process on a thread of C. Python ignores it as well.
func ignoreSIGPIPE() { signal.Ignore(syscall.SIGPIPE) }
