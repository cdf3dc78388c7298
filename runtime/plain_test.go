//go:build !race && !asan

package runtime_test

const instrumented = false
