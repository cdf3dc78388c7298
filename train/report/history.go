package report

import (
	"fmt"
	"io"

	"forge.lthn.ai/core/go-mlx/train"
)

// History is what a run told, in order.
type History struct {
	Begins  []train.BeginEvent
	Steps   []train.StepEvent
	Evals   []train.EvalEvent
	Samples []train.SampleEvent
	Saves   []train.SaveEvent
}

// ReadHistory reads metrics.jsonl.
func ReadHistory(r io.Reader) (*History, error) {
	h := &History{}
	if err := eachLine(r, func(_ []byte, e train.Event) { h.add(e) }); err != nil {
		return nil, fmt.Errorf("report: metrics: %w", err)
	}
	return h, nil
}

func (h *History) add(e train.Event) {
	switch e := e.(type) {
	case train.BeginEvent:
		h.Begins = append(h.Begins, e)
	case train.StepEvent:
		h.Steps = append(h.Steps, e)
	case train.EvalEvent:
		h.Evals = append(h.Evals, e)
	case train.SampleEvent:
		h.Samples = append(h.Samples, e)
	case train.SaveEvent:
		h.Saves = append(h.Saves, e)
	}
}

func iterOf(e train.Event) int {
	switch e := e.(type) {
	case train.StepEvent:
		return e.Iter
	case train.EvalEvent:
		return e.Iter
	case train.SampleEvent:
		return e.Iter
	case train.SaveEvent:
		return e.Iter
	}
	return 0
}

// comparison is what a model answered before and after.
type comparison struct{ Prompt, Before, After string }

// comparisons pairs each prompt's first answer with its last.
func (h *History) comparisons() []comparison {
	var out []comparison
	at := map[string]int{}
	for _, s := range h.Samples {
		i, known := at[s.Prompt]
		if !known {
			at[s.Prompt] = len(out)
			out = append(out, comparison{Prompt: s.Prompt, Before: s.Answer})
			continue
		}
		out[i].After = s.Answer
	}
	return out
}
