//go:build race || asan

package runtime_test

// instrumented says that the race detector or AddressSanitizer keeps memory of its own.
const instrumented = true
