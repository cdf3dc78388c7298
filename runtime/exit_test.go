package runtime_test

import "runtime"

// exit ends the goroutine, as testing.T.FailNow does.
func exit() { runtime.Goexit() }
