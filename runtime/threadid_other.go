//go:build !linux

package runtime

import (
	"bytes"
	stdruntime "runtime"
	"strconv"
)

// threadID tells goroutines apart where the OS thread's id has no portable call:
// a worker's goroutine is the only one on its thread, so that either will do. It
// reads "goroutine 12 [running]" and costs about a microsecond.
func threadID() int64 {
	var buf [64]byte
	fields := bytes.Fields(buf[:stdruntime.Stack(buf[:], false)])
	if len(fields) < 2 {
		return -1
	}
	id, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return -1
	}
	return id
}
