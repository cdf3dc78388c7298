// Package conformance holds the tests that replay what Python's MLX answers:
// every operation of runtime.Scope is called by name with the recorded arguments
// and must give the recorded results, or refuse with MLX's message. The cases lie
// in testdata, with the scripts that wrote them in testdata/reference.
//
// The tests run on MLX's default device, or on the one that -device names, and
// need no files when the test binary is taken elsewhere. docs/conformance.md says
// more.
package conformance
