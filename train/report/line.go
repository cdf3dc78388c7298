package report

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"forge.lthn.ai/core/go-mlx/train"
)

// line is an event in metrics.jsonl. Figures have the names that mlx-lm gives them
// where it has them.
type line struct {
	lineHead
	*beginLine
	*trainLine
	*validationLine
	*sampleLine
	*checkpointLine
}

type lineHead struct {
	Event string `json:"event"` // "begin", "train", "validation", "sample" or "checkpoint"
	Iter  int    `json:"iteration"`
}

type beginLine struct {
	Iters      int   `json:"iterations"`
	Trained    int64 `json:"trainable_parameters"`
	Parameters int64 `json:"total_parameters"`
}

type trainLine struct {
	Loss            float64 `json:"train_loss"`
	Rate            float64 `json:"learning_rate"`
	GradNorm        float64 `json:"grad_norm,omitempty"` // left out where it is no number, as JSON has none for it
	Tokens          int64   `json:"trained_tokens"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	Padding         float64 `json:"padding"`
	PeakMemory      int64   `json:"peak_memory_bytes"`
}

type validationLine struct {
	Loss float64 `json:"val_loss"`
	Took float64 `json:"val_time"` // seconds
	Best bool    `json:"best"`
}

type sampleLine struct {
	Prompt string `json:"prompt"`
	Answer string `json:"answer"`
}

type checkpointLine struct {
	Path string `json:"path"`
}

// lineOf is nil for an event that is not kept.
func lineOf(e train.Event) *line {
	switch e := e.(type) {
	case train.BeginEvent:
		return &line{lineHead: lineHead{"begin", 0}, beginLine: &beginLine{e.Iters, e.Trained, e.Parameters}}
	case train.StepEvent:
		return &line{lineHead: lineHead{"train", e.Iter}, trainLine: &trainLine{e.Loss, e.Rate, finite(e.GradNorm), e.Tokens, e.TokensPerSecond, e.Padding, e.PeakMemory}}
	case train.EvalEvent:
		return &line{lineHead: lineHead{"validation", e.Iter}, validationLine: &validationLine{e.Loss, e.Took.Seconds(), e.Best}}
	case train.SampleEvent:
		return &line{lineHead: lineHead{"sample", e.Iter}, sampleLine: &sampleLine{e.Prompt, e.Answer}}
	case train.SaveEvent:
		return &line{lineHead: lineHead{"checkpoint", e.Iter}, checkpointLine: &checkpointLine{e.Path}}
	}
	return nil
}

// finite is v, or 0 where it is no number or without end.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// parseLine reads one.
func parseLine(text []byte) (train.Event, error) {
	var head lineHead
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Iter < 0 {
		return nil, fmt.Errorf("iteration is %d", head.Iter)
	}
	switch head.Event {
	case "begin":
		var l beginLine
		err := json.Unmarshal(text, &l)
		return train.BeginEvent{Iters: l.Iters, Trained: l.Trained, Parameters: l.Parameters}, err
	case "train":
		var l trainLine
		err := json.Unmarshal(text, &l)
		return train.StepEvent{Iter: head.Iter, Loss: l.Loss, Rate: l.Rate, GradNorm: l.GradNorm, Tokens: l.Tokens,
			TokensPerSecond: l.TokensPerSecond, Padding: l.Padding, PeakMemory: l.PeakMemory}, err
	case "validation":
		var l validationLine
		err := json.Unmarshal(text, &l)
		return train.EvalEvent{Iter: head.Iter, Loss: l.Loss, Took: time.Duration(l.Took * float64(time.Second)), Best: l.Best}, err
	case "sample":
		var l sampleLine
		err := json.Unmarshal(text, &l)
		return train.SampleEvent{Iter: head.Iter, Prompt: l.Prompt, Answer: l.Answer}, err
	case "checkpoint":
		var l checkpointLine
		err := json.Unmarshal(text, &l)
		return train.SaveEvent{Iter: head.Iter, Path: l.Path}, err
	}
	return nil, fmt.Errorf("event %q is none of begin, train, validation, sample and checkpoint", head.Event)
}
