package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is one run of one contender.
type sample struct {
	promptTokens int
	tokens       []int32         // what was generated
	promptTime   time.Duration   // until the first token was there
	decodeTime   time.Duration   // for the tokens after the first
	builds       []time.Duration // to build the graph of a step

	rows          int    // prompts that ran at once; 0 is one
	arrays, cache uint64 // bytes of MLX's arrays at most, and of keys and values among them
	resident      uint64 // bytes of the process's memory at most so far; 0 when unknown
}

// prompts is how many ran at once.
func (s sample) prompts() int { return max(1, s.rows) }

// prefill is the tokens per second of all prompts.
func (s sample) prefill() float64 {
	return float64(s.prompts()*s.promptTokens) / s.promptTime.Seconds()
}

// decode is the tokens per second, of all rows, after the first ones.
func (s sample) decode() float64 {
	return float64(s.prompts()*(len(s.tokens)-1)) / s.decodeTime.Seconds()
}

// inArrays and inProcess are the most memory so far, in MB.
func (s sample) inArrays() float64  { return float64(s.arrays) / 1e6 }
func (s sample) inProcess() float64 { return float64(s.resident) / 1e6 }

// build is the median time to build a step's graph, in microseconds.
func (s sample) build() float64 {
	var all series
	for _, b := range s.builds {
		all = append(all, float64(b.Nanoseconds())/1e3)
	}
	return all.median()
}

// String is the sample as progress.
func (s sample) String() string {
	text := fmt.Sprintf("prefill %s, decode %s tokens/s", figure(s.prefill()), figure(s.decode()))
	if len(s.builds) > 0 {
		text += fmt.Sprintf(", building a step %s µs", figure(s.build()))
	}
	return text
}

// series are figures of the same thing, one for each run.
type series []float64

// median is the middle one, or the mean of the two in the middle; 0 of none.
func (s series) median() float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// result is what one contender showed.
type result struct {
	name    string
	side    string
	work    workload
	samples []sample
}

// prompts is how many ran at once.
func (r result) prompts() int {
	if len(r.samples) == 0 {
		return 1
	}
	return r.samples[0].prompts()
}

// of collects one figure of every run.
func (r result) of(figure func(sample) float64) series {
	var all series
	for _, s := range r.samples {
		all = append(all, figure(s))
	}
	return all
}

// agreement is how many tokens all results of the sides that did all of the work began with
// alike, and how many results those are. Sides on MLX are one thing and llama.cpp, which
// rounds activations to 8 bits, is another.
func agreement(results []result, sides ...string) (tokens, of int) {
	var first []int32
	for _, r := range results {
		if len(r.samples) == 0 || r.work.shortened || !slices.Contains(sides, r.side) {
			continue
		}
		got := r.samples[0].tokens
		if of++; of == 1 {
			first = got
			continue
		}
		first = first[:commonPrefix(first, got)]
	}
	return len(first), of
}

func commonPrefix(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
