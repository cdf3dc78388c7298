package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/report"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// training is a run of mlx train.
type training struct {
	*trainCmd
	*console
	model     *models.Model
	sets      *trainSets
	group     *mlx.Group // nil where this process trains alone
	run       *train.Run
	metrics   *report.Metrics
	observers []func(train.Event) error
	last      string // the newest checkpoint
}

// Run trains, and tests.
func (c *trainCmd) Run(con *console) error {
	t := &training{trainCmd: c, console: con}
	return errors.Join(alongside(t.do()), t.close())
}

func (t *training) close() (err error) {
	if t.run != nil {
		err = t.run.Close()
	}
	if t.metrics != nil {
		err = errors.Join(err, t.metrics.Close())
	}
	if t.sets != nil {
		err = errors.Join(err, t.sets.Close())
	}
	if t.model != nil {
		err = errors.Join(err, t.model.Close())
	}
	return errors.Join(err, t.leave())
}

func (t *training) do() (err error) {
	if err := train.LimitAhead(); err != nil {
		return err
	}
	if err := t.join(); err != nil {
		return err
	}
	if t.model, err = t.load(t.console); err != nil {
		return err
	}
	if t.sets, err = t.openSets(&data.Encoder{Tokenizer: t.model.Tokenizer(), Templates: t.model.Templates(), EOS: t.model.EOS()}); err != nil {
		return err
	}
	if err := t.begin(); err != nil {
		return err
	}
	if t.Train {
		if err := t.train(); err != nil {
			return err
		}
	}
	if !t.Test {
		return nil
	}
	loss, err := t.run.Evaluate(t.ctx, t.sets.test, t.TestBatches)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "test loss %.3f, perplexity %.3f\n", loss, math.Exp(loss))
	return err
}

// begin makes the run, or takes it up.
func (t *training) begin() (err error) {
	opts, err := t.options()
	if err != nil {
		return err
	}
	opts = append(opts, t.groupOptions()...)
	source := t.sets.test
	if t.Train {
		source = t.sets.train
		opts = append(opts, train.WithDir(t.Adapter), train.WithObserver(t.observe), train.WithFiles(func(dir string) error {
			return tune.Save(context.WithoutCancel(t.ctx), t.model, dir)
		}))
	}
	if t.sets.valid != nil {
		opts = append(opts, train.WithValidation(t.sets.valid, t.ValBatches), train.WithEarlyStop(t.EarlyStop))
	} else if t.EarlyStop > 0 {
		return fmt.Errorf("--early-stop takes a validation set, which %s does not have", t.Data)
	}
	if t.Resume {
		t.run, err = train.Resume(t.ctx, t.model, source, t.Adapter, opts...)
	} else {
		t.run, err = train.New(t.ctx, t.model, source, opts...)
	}
	if err == nil && t.Train && !t.Quiet {
		fmt.Fprintf(t.err, "Trainable parameters: %s\n", t.trained())
	}
	return err
}

// trained tells how much is trained, as mlx-lm does.
func (t *training) trained() string {
	part, all := float64(t.run.Trained()), float64(t.model.Size())
	return fmt.Sprintf("%.3f%% (%.3fM/%.3fM)", 100*part/all, part/1e6, all/1e6)
}

func (t *training) observe(e train.Event) error {
	if s, ok := e.(train.SaveEvent); ok {
		t.last = s.Path
	}
	for _, f := range t.observers {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// train runs, and writes the adapter and what tells of the run, also where the run
// was interrupted or failed.
func (t *training) train() (err error) {
	if !t.first() {
		return t.run.Run(t.ctx)
	}
	if t.metrics, err = report.OpenMetrics(filepath.Join(t.Adapter, "metrics.jsonl"), t.run.Iter()); err != nil {
		return err
	}
	t.observers = append(t.observers, t.metrics.Observe)
	if t.TensorBoard != "" {
		board, err := report.OpenTensorBoard(t.TensorBoard, t.run.Iter())
		if err != nil {
			return err
		}
		defer board.Close()
		t.observers = append(t.observers, board.Observe)
	}
	view := newTrainView(t.err, t.Quiet, t.run.Iter(), t.Iters)
	t.observers = append(t.observers, view.Observe)
	err = t.run.Run(t.ctx)
	view.Close()
	if err != nil {
		return errors.Join(t.interrupted(err), t.report())
	}
	if err := tune.Save(t.ctx, t.model, t.Adapter); err != nil {
		return err
	}
	return errors.Join(t.tell(), t.report())
}

// interrupted keeps what was done before Ctrl-C; between the batches of an update that
// is the newest checkpoint.
func (t *training) interrupted(err error) error {
	if !errors.Is(err, context.Canceled) || t.run.Iter() == 0 {
		return err
	}
	if t.run.Iter()%t.Accumulate == 0 {
		if err := t.run.Save(); err != nil {
			return err
		}
	}
	if t.last != "" {
		fmt.Fprintf(t.err, "mlx: %s is saved; the same command with --resume goes on\n", t.last)
	}
	return err
}

// tell prints how it went.
func (t *training) tell() error {
	h := t.metrics.History()
	line := fmt.Sprintf("%s: %d iterations", t.Adapter, t.run.Iter())
	if t.run.Stopped() {
		line += ", ended early"
	}
	if n := len(h.Steps); n > 0 {
		line += fmt.Sprintf(", loss %.3f", h.Steps[n-1].Loss)
	}
	if n := len(h.Evals); n > 0 {
		line += fmt.Sprintf(", validation loss %.3f -> %.3f", h.Evals[0].Loss, h.Evals[n-1].Loss)
	}
	_, err := fmt.Fprintln(t.out, line)
	for _, s := range h.Samples {
		when := map[bool]string{true: "before", false: "after"}[s.Iter == 0]
		fmt.Fprintf(t.out, "\n%s: %s\n%s\n", when, s.Prompt, s.Answer)
	}
	if n := len(h.Evals); n > 0 && !h.Evals[n-1].Best {
		best, e := train.Best(t.Adapter)
		if e != nil {
			best = "the beginning: nothing that was trained is better"
		}
		fmt.Fprintf(t.out, "the best validation was at %s\n", best)
	}
	return err
}

// report writes the file of --report.
func (t *training) report() error {
	if t.Report == "" {
		return nil
	}
	h := t.metrics.History()
	return atomicfile.Write(t.Report, func(w io.Writer) error {
		switch filepath.Ext(t.Report) {
		case ".svg":
			return h.WriteSVG(w)
		case ".png":
			return h.WritePNG(w)
		}
		return h.WriteHTML(w, "Fine-tuning "+t.Model, t.settings())
	})
}

// settings are those that a report shows.
func (t *training) settings() []report.Setting {
	method := fmt.Sprintf("%s, rank %d, scale %v, %d layers", t.Type, t.Rank, t.Scale, t.Layers)
	if t.Type == string(tune.Full) {
		method = fmt.Sprintf("%s, %d layers", t.Type, t.Layers)
	}
	return []report.Setting{
		{Name: "model", Value: t.Model}, {Name: "data", Value: t.sets.summary}, {Name: "method", Value: method},
		{Name: "trainable parameters", Value: t.trained()},
		{Name: "optimizer", Value: t.Optimizer}, {Name: "learning rate", Value: fmt.Sprint(t.Rate)},
		{Name: "batch", Value: fmt.Sprintf("%d rows of up to %d tokens, %d a step", t.BatchSize, t.MaxLength, t.Accumulate)},
		{Name: "seed", Value: fmt.Sprint(t.Seed)},
	}
}
