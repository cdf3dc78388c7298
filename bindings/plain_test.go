//go:build !race && !asan

package bindings_test

const instrumented = false
