package train

import (
	"context"
	"errors"
	"math"
	"time"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// progress is how far a run is, as a checkpoint has it.
type progress struct {
	Iter    int   `json:"iter"`    // batches trained on
	Updates int   `json:"updates"` // of the weights
	Tokens  int64 `json:"tokens"`  // trained

	// Since the last report.
	Loss      float64 `json:"loss"` // times the tokens
	Counted   int64   `json:"counted"`
	Positions int     `json:"positions"`
	Padding   int     `json:"padding"`
	Rate      float64 `json:"rate"`
	Norm      float64 `json:"norm"`

	Best     *float64 `json:"best"` // of the evaluations; nil before the first
	BestIter int      `json:"best_iter"`
	Waited   int      `json:"waited"` // evaluations since the best one
}

// add adds a step.
func (p *progress) add(o outcome, rate float64) {
	p.Tokens += o.tokens
	p.Counted += o.tokens
	p.Loss += o.loss * float64(o.tokens)
	p.Positions += o.positions
	p.Padding += o.padding
	p.Rate, p.Norm = rate, o.norm
}

// clock takes the time of training, evaluations and checkpoints left out.
type clock struct {
	began   time.Time
	spent   time.Duration // since the last report, before began
	counted int64         // tokens that were counted before the clock started
}

func (c *clock) start(now time.Time) { c.began = now }

func (c *clock) pause(now time.Time) { c.spent += now.Sub(c.began) }

// report tells the iterations since the last one.
func (r *Run) report() error {
	if err := r.settle(); err != nil {
		return err
	}
	now := r.now()
	r.clock.pause(now)
	took := r.clock.spent.Seconds()
	e := StepEvent{
		Iter: r.at.Iter, Iters: r.iters, Rate: r.at.Rate, GradNorm: r.at.Norm, Tokens: r.at.Tokens,
		Loss: r.at.Loss / float64(max(r.at.Counted, 1)), Padding: float64(r.at.Padding) / float64(max(r.at.Positions, 1)),
	}
	if took > 0 {
		e.TokensPerSecond = float64(r.at.Counted-r.clock.counted) / took
	}
	r.clock.steps(&e, r)
	r.at.Loss, r.at.Counted, r.at.Positions, r.at.Padding = 0, 0, 0, 0
	r.clock = clock{began: now}
	err := r.do(func(t *mlx.Thread) error {
		peak, err := t.PeakMemory()
		e.PeakMemory = int64(peak)
		return err
	})
	if err != nil {
		return err
	}
	return r.tell(e)
}

// steps estimates how long the rest takes.
func (c *clock) steps(e *StepEvent, r *Run) {
	done := (e.Iter-1)%r.reportEvery + 1
	e.Left = c.spent / time.Duration(done) * time.Duration(e.Iters-e.Iter)
}

// evaluate tells how good the model is, and keeps in mind whether it ever was better.
func (r *Run) evaluate(ctx context.Context) error {
	if r.valid == nil {
		return nil
	}
	if err := r.settle(); err != nil {
		return err
	}
	began := r.now()
	r.clock.pause(began)
	loss, err := r.Evaluate(ctx, r.valid, r.evalBatches)
	if err != nil {
		return err
	}
	best := r.at.Best == nil || loss < *r.at.Best
	if best {
		r.at.Best, r.at.BestIter, r.at.Waited = &loss, r.at.Iter, 0
	} else {
		r.at.Waited++
	}
	r.clock.start(r.now())
	return r.tell(EvalEvent{Iter: r.at.Iter, Loss: loss, Took: r.now().Sub(began), Best: best})
}

// Evaluate returns the mean loss over the trained tokens of that many batches from the
// beginning of src, of one pass over it at most; a negative number is a whole pass. In
// a group it is that over all processes.
func (r *Run) Evaluate(ctx context.Context, src data.Source, batches int) (float64, error) {
	if err := src.Seek(data.Position{}); err != nil {
		return 0, err
	}
	sum, count := 0.0, 0.0
	for n := 0; n != batches && src.Position().Epoch == 0; n++ {
		if err := ctx.Err(); err != nil && r.step.alone() { // others would wait
			return 0, err
		}
		b, err := src.Next()
		if err != nil {
			return 0, err
		}
		if err := checkBatch(b, r.model.VocabSize()); err != nil {
			return 0, err
		}
		loss, err := r.lossOf(b)
		if err != nil {
			return 0, err
		}
		trained, _ := b.Count()
		sum += loss
		count += float64(trained)
	}
	sum, count, err := r.overGroup(sum, count)
	if err != nil {
		return 0, err
	}
	if loss := sum / max(count, 1); !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return loss, nil
	}
	return 0, ErrNotFinite
}

// lossOf is the sum of the losses of a batch.
func (r *Run) lossOf(b *data.Batch) (sum float64, err error) {
	err = r.do(func(t *mlx.Thread) (err error) {
		in, err := arrays(t, b)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, mlx.CloseAll(in...)) }()
		loss, err := t.Build(func(s *mlx.Scope) mlx.Array {
			pass := cache.Pass{}
			if len(in) == 3 {
				pass.Segments = in[2]
			}
			return lossSum(s, r.model, in[0], in[1], pass, r.step.rows, losses.Chunked.Value)
		})
		if err != nil {
			return err
		}
		defer loss.Close()
		v, err := mlx.Item[float32](t, loss)
		sum = float64(v)
		return err
	})
	return sum, err
}

// overGroup adds two numbers up over the processes.
func (r *Run) overGroup(a, b float64) (float64, float64, error) {
	if r.step.alone() {
		return a, b, nil
	}
	err := r.do(func(t *mlx.Thread) error {
		both, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return s.AllSum(mlx.Const(s, []float32{float32(a), float32(b)}), r.group)
		})
		if err != nil {
			return err
		}
		defer both.Close()
		v, err := mlx.Values[float32](t, both)
		if err == nil {
			a, b = float64(v[0]), float64(v[1])
		}
		return err
	})
	return a, b, err
}
