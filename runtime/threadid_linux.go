package runtime

import "syscall"

// threadID tells OS threads apart. A worker's goroutine is locked to its thread,
// so no other goroutine can see that thread's id.
func threadID() int64 { return int64(syscall.Gettid()) }
