package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/train"
)

// trainView shows a run: on a terminal as a bar with the newest figures, elsewhere as
// lines.
type trainView struct {
	out     io.Writer
	bars    *mpb.Progress // nil where there is none
	bar     *mpb.Bar
	figures atomic.Pointer[string]
}

// newTrainView shows what goes on from iteration done.
func newTrainView(out io.Writer, quiet bool, done, iters int) *trainView {
	v := &trainView{out: out}
	if quiet {
		v.out = io.Discard
	}
	if quiet || !fetch.IsTerminal(out) {
		return v
	}
	v.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	v.bar = v.bars.AddBar(int64(iters), mpb.PrependDecorators(decor.CountersNoUnit("%d/%d")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			if text := v.figures.Load(); text != nil {
				return *text
			}
			return ""
		})))
	v.bar.SetCurrent(int64(done))
	v.out = v.bars
	return v
}

// Observe is for train.WithObserver.
func (v *trainView) Observe(e train.Event) error {
	switch e := e.(type) {
	case train.StepEvent:
		v.step(e)
	case train.EvalEvent:
		best := ""
		if e.Best && e.Iter > 0 {
			best = ", the best"
		}
		fmt.Fprintf(v.out, "%d: validation loss %.3f%s, in %s\n", e.Iter, e.Loss, best, e.Took.Round(10*time.Millisecond))
	case train.SaveEvent:
		fmt.Fprintf(v.out, "%d: saved %s\n", e.Iter, e.Path)
	}
	return nil
}

func (v *trainView) step(e train.StepEvent) {
	figures := fmt.Sprintf("loss %.3f, rate %.3g, %.0f tokens/s, %s", e.Loss, e.Rate, e.TokensPerSecond, humanize.IBytes(uint64(e.PeakMemory)))
	if e.Left > 0 {
		figures += ", " + e.Left.Round(time.Second).String() + " left"
	}
	if v.bars == nil {
		fmt.Fprintf(v.out, "%d/%d: %s\n", e.Iter, e.Iters, figures)
		return
	}
	v.figures.Store(&figures)
	v.bar.SetCurrent(int64(e.Iter))
}

// Close ends the bar, and leaves it to be read.
func (v *trainView) Close() {
	if v.bars != nil {
		v.bar.Abort(false)
		v.bars.Wait()
	}
}
