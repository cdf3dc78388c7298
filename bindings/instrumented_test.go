//go:build race || asan

package bindings_test

// instrumented says that the race detector or AddressSanitizer allocates too.
const instrumented = true
