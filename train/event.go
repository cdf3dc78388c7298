package train

import "time"

// Event is what a run tells its observers: a BeginEvent, StepEvent, EvalEvent,
// SaveEvent or SampleEvent.
type Event interface{ event() }

// BeginEvent is the first, and not told again by a run that goes on.
type BeginEvent struct {
	Iters      int   // of micro-batches, that are to come
	Trained    int64 // numbers that training changes
	Parameters int64 // weights of the model, adapters left out
}

// StepEvent is about the steps since the last one.
type StepEvent struct {
	Iter, Iters     int           // of micro-batches, from 1
	Loss            float64       // mean over the trained tokens, in nats
	Rate            float64       // learning rate of the last update
	GradNorm        float64       // before clipping, of the last update; 0 when it is not measured
	Tokens          int64         // trained since the run began, resumed runs included
	TokensPerSecond float64       // trained, since the last event
	Padding         float64       // share of the batches' positions that are padding
	PeakMemory      int64         // bytes
	Left            time.Duration // at this speed
}

// EvalEvent is about a pass over the validation set.
type EvalEvent struct {
	Iter int     // of the run; 0 is before the first
	Loss float64 // mean over the trained tokens, in nats
	Took time.Duration
	Best bool // no earlier one was lower
}

// SaveEvent names a checkpoint that is whole on disk.
type SaveEvent struct {
	Iter int
	Path string
}

// SampleEvent is what the model answered to a prompt.
type SampleEvent struct {
	Iter           int // 0 is before training
	Prompt, Answer string
}

func (BeginEvent) event()  {}
func (StepEvent) event()   {}
func (EvalEvent) event()   {}
func (SaveEvent) event()   {}
func (SampleEvent) event() {}
