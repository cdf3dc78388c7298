package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// The smallest run that can be timed: a decode rate needs two tokens after the
// first.
const (
	minPrompt = 4
	minTokens = 3
)

// workload is what one run does.
type workload struct {
	ids    []int32 // repeated to any length
	prompt int     // tokens of the prompt
	tokens int     // tokens to generate
	builds int     // graphs of a step to build, each computed before the next
	runs   int     // how often to do that

	shortened bool // to less than was asked for
}

func (o *options) workload(ids []int32) workload {
	return workload{ids: ids, prompt: o.PromptTokens, tokens: o.Tokens, builds: o.Builds, runs: o.Runs}
}

// probe is the run that warms a contender up and tells how long others take.
func (w workload) probe() workload {
	return workload{ids: w.ids, prompt: minPrompt, tokens: minTokens}
}

// sequence is n tokens: the ids over and over.
func (w workload) sequence(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = w.ids[i%len(w.ids)]
	}
	return out
}

// others are the prompts beside the first where rows of them run at once, of other tokens.
func (w workload) others(rows int) (all [][]int32) {
	for r := 1; r < rows; r++ {
		all = append(all, w.sequence(w.prompt + r)[r:])
	}
	return all
}

// estimate is how long the run takes at most, at the rates of s and for as many prompts.
func (w workload) estimate(s sample) time.Duration {
	seconds := float64(w.prompt)/s.prefill() + float64(w.tokens+w.builds)/s.decode()
	return time.Duration(float64(s.prompts()) * seconds * float64(time.Second))
}

// fit is the work. Where a run takes longer than a sixth of the limit a third of the
// runs is enough, for such rates hardly vary; where it would take longer than the
// limit, they are shortened to a tenth of it as well. Building graphs is left out, since each is computed before the next.
func (w workload) fit(s sample, limit time.Duration) workload {
	took := w.estimate(s)
	if took <= limit/6 {
		return w
	}
	w.runs = (w.runs + 2) / 3
	if took <= limit {
		return w
	}
	part := limit.Seconds() / 10 / took.Seconds()
	w.prompt = max(minPrompt, int(part*float64(w.prompt)))
	w.tokens = max(minTokens, int(part*float64(w.tokens)))
	w.builds, w.shortened = 0, true
	return w
}

// readPrompt reads the ids of the reference prompts, one after the other.
func readPrompt(path string) ([]int32, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	var reference struct {
		Prompts []struct {
			IDs []int32 `json:"ids"`
		} `json:"prompts"`
	}
	if err := json.Unmarshal(data, &reference); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", path, err)
	}
	var ids []int32
	for _, p := range reference.Prompts {
		ids = append(ids, p.IDs...)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("bench: %s holds no prompt", path)
	}
	return ids, nil
}
