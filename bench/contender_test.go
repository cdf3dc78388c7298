package main

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script is a contender that does what it is told and notes its runs.
type script struct {
	label string
	rates []float64 // tokens per second of each run; the last one goes on
	err   error
	runs  *[]string
	works []workload
}

func (s *script) name() string { return s.label }
func (s *script) side() string {
	if s.label == "ours" {
		return goMLX
	}
	return mlxLM
}

func (s *script) close() error { return s.err }

func (s *script) run(_ context.Context, w workload) (sample, error) {
	*s.runs = append(*s.runs, s.label)
	s.works = append(s.works, w)
	rate := s.rates[min(len(s.works), len(s.rates))-1]
	return sample{
		promptTokens: w.prompt, promptTime: seconds(float64(w.prompt) / rate),
		tokens: make([]int32, w.tokens), decodeTime: seconds(float64(w.tokens-1) / rate),
	}, s.err
}

var work = workload{ids: []int32{1}, prompt: 100, tokens: 10, builds: 10, runs: 4}

func TestMeasureInTurns(t *testing.T) {
	var runs []string
	a := &script{label: "ours", rates: []float64{0.5}, runs: &runs} // over the limit, but ours
	b := &script{label: "peer", rates: []float64{10}, runs: &runs}
	slow := &script{label: "slow", rates: []float64{0.5}, runs: &runs}
	var log bytes.Buffer
	results, err := measure(t.Context(), []contender{a, b, slow}, work, 2*time.Minute, &log)
	require.NoError(t, err)
	require.Equal(t, []string{
		"ours", "peer", "slow", "slow", "slow", // warming up
		"ours", "peer", "slow",
		"ours", "peer", "slow",
		"ours", "peer",
		"ours", "peer",
	}, runs)
	require.Equal(t, goMLX, results[0].side)
	require.Equal(t, mlxLM, results[1].side)
	require.Len(t, results[1].samples, 4, "the warm-up does not count")
	require.Equal(t, work, a.works[1])
	require.Equal(t, work, b.works[1])
	require.Equal(t, 5, slow.works[3].prompt, "100 tokens of 240 seconds in 12")
	require.Contains(t, log.String(), "run 4 of 4: peer: prefill 10.0, decode 10.0 tokens/s")
	require.Contains(t, log.String(), "run 2 of 2: slow: ")
}

func TestWarmUpGivesAnotherChance(t *testing.T) {
	var runs []string
	disturbed := &script{label: "peer", rates: []float64{1, 30}, runs: &runs}
	r, err := warmUp(t.Context(), disturbed, work, time.Minute, t.Output())
	require.NoError(t, err)
	require.Equal(t, work, r.work)
	require.Empty(t, r.samples)
	require.Len(t, runs, 2)
}

func TestWarmUpCountsWhereNoMoreIsPossible(t *testing.T) {
	var runs []string
	slowest := &script{label: "peer", rates: []float64{0.01}, runs: &runs}
	results, err := measure(t.Context(), []contender{slowest}, work, time.Minute, t.Output())
	require.NoError(t, err)
	require.Len(t, results[0].samples, 2)
	require.Len(t, runs, 2, "one of them is the warm-up")
}

func TestMeasureFails(t *testing.T) {
	var runs []string
	bad := errors.New("no memory")
	a := &script{label: "ours", rates: []float64{50}, runs: &runs}
	b := &script{label: "peer", rates: []float64{50}, runs: &runs, err: bad}
	_, err := measure(t.Context(), []contender{a, b}, work, time.Minute, t.Output())
	require.ErrorIs(t, err, bad)
	require.EqualError(t, err, "bench: peer: no memory")
	require.ErrorIs(t, closeAll([]contender{b, a}), bad)
}
