package main

import (
	"context"
	"errors"

	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// oursTrains is go-mlx with a model to train.
type oursTrains struct{ model *models.Model }

// open loads the model and says what of it is trained.
func (t *training) open(ctx context.Context) (*oursTrains, error) {
	m, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	c := tune.Config{Method: tune.LoRA, Layers: -1, Rank: t.work.rank, Scale: 20}
	if t.full {
		c = tune.Config{Method: tune.Full, Layers: -1}
	}
	if err := tune.Apply(ctx, m, c); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &oursTrains{m}, nil
}

func (o *oursTrains) close() error { return o.model.Close() }

// train implements trainee.
func (o *oursTrains) train(ctx context.Context, w trainWork) (r trained, err error) {
	if err := o.model.Worker().Do(ctx, (*mlx.Thread).ResetPeakMemory); err != nil {
		return r, err
	}
	observe := func(e train.Event) error {
		if s, ok := e.(train.StepEvent); ok {
			if s.Iter == w.Iters {
				r.Loss = s.Loss
			}
			r.Rate, r.Peak = s.TokensPerSecond, s.PeakMemory
		}
		return nil
	}
	run, err := train.New(ctx, o.model, newSameBatch(w.Tokens), train.WithOptimizer(optim.NewAdam()), train.WithSchedule(optim.Constant(1e-5)),
		train.WithIters(2*w.Iters), train.WithReportEvery(w.Iters), train.WithObserver(observe))
	if err != nil {
		return r, err
	}
	err = errors.Join(run.Run(ctx), run.Close())
	return r, err
}

// sameBatch is a Source of one batch, over and over.
type sameBatch struct {
	batch data.Batch
	at    data.Position
}

func newSameBatch(rows [][]int32) *sameBatch {
	b := data.Batch{B: len(rows), L: len(rows[0]) - 1}
	for _, row := range rows {
		b.Tokens = append(b.Tokens, row...)
		b.Lengths = append(b.Lengths, b.L)
		for range b.L {
			b.Trained = append(b.Trained, true)
		}
	}
	return &sameBatch{batch: b}
}

// Next implements data.Source.
func (s *sameBatch) Next() (*data.Batch, error) {
	s.at.Epoch++
	return &s.batch, nil
}

// Position implements data.Source.
func (s *sameBatch) Position() data.Position { return s.at }

// Seek implements data.Source.
func (s *sameBatch) Seek(p data.Position) error {
	s.at = p
	return nil
}
