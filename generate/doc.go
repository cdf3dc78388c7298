// Package generate turns a model into a stream of tokens: the prompt runs
// through the model in chunks, then each step samples a token from the last
// logits and feeds it back.
//
// A step is built from the token of the step before it while that one is still
// being computed: the graph of step n+1 is built and started first, token n is
// read then. So the device never waits for the host, and reading a token costs
// nothing that was not needed anyway.
package generate
