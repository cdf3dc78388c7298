package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	for name, c := range map[string]struct {
		in   series
		want float64
	}{
		"none":           {nil, 0},
		"one":            {series{7}, 7},
		"odd, unordered": {series{9, 1, 5}, 5},
		"even":           {series{4, 1, 3, 100}, 3.5},
		"an outlier":     {series{10, 10, 11, 10, 900}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			before := append(series(nil), c.in...)
			require.Equal(t, c.want, c.in.median())
			require.Equal(t, before, c.in, "the runs keep their order")
		})
	}
}

func TestRates(t *testing.T) {
	s := sample{
		promptTokens: 512, promptTime: 4 * time.Second,
		tokens: make([]int32, 65), decodeTime: 2 * time.Second, // the first token is the prompt's
		builds: []time.Duration{900 * time.Microsecond, 5 * time.Millisecond, time.Millisecond},
	}
	require.Equal(t, 128.0, s.prefill())
	require.Equal(t, 32.0, s.decode())
	require.Equal(t, 1000.0, s.build())
	require.Zero(t, sample{}.build())
	s.rows = 8
	require.Equal(t, 1024.0, s.prefill(), "of all prompts")
	require.Equal(t, 256.0, s.decode())
}

func TestAgreement(t *testing.T) {
	full, other := workload{}, workload{shortened: true}
	by := func(side string, w workload, tokens ...int32) result {
		return result{side: side, work: w, samples: []sample{{tokens: tokens}}}
	}
	of := func(w workload, tokens ...int32) result { return by(goMLX, w, tokens...) }
	for name, c := range map[string]struct {
		results    []result
		tokens, of int
	}{
		"all alike":               {[]result{of(full, 1, 2, 3), of(full, 1, 2, 3)}, 3, 2},
		"they part":               {[]result{of(full, 1, 2, 3), of(full, 1, 2, 3), of(full, 1, 9, 3)}, 1, 3},
		"a shorter prompt is out": {[]result{of(other, 7), of(full, 1, 2), of(other, 7), of(full, 1, 2)}, 2, 2},
		"both sides on MLX":       {[]result{of(full, 1, 2), by(llamaCpp, full, 9, 2), by(mlxLM, full, 1, 3)}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tokens, n := agreement(c.results, goMLX, mlxLM)
			require.Equal(t, c.tokens, tokens)
			require.Equal(t, c.of, n)
		})
	}
}
