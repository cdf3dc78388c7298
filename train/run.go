package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
)

// ErrNotFinite is in the chain of the error of a run whose loss is no number any
// more, or infinite. Its checkpoints are from before.
var ErrNotFinite = errors.New("the loss is not finite")

// Run is a training of a model. It is for one goroutine.
type Run struct {
	*config
	model  *models.Model
	source data.Source
	params nn.Tree
	owner  *mlx.Owner
	state  *optim.State
	step   *step

	at      progress
	pending *launched // the step that is being computed
	leaving bool      // a process of the group was interrupted
	shape   [2]int    // of the last batch
	clock   clock
}

// New prepares to train what of m's weights is not frozen, on the batches of src.
// Close the Run before the model.
func New(ctx context.Context, m *models.Model, src data.Source, opts ...Option) (*Run, error) {
	r := &Run{config: newConfig(opts), model: m, source: src}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("train: %w", err), r.Close())
	}
	return r, nil
}

// check refuses options that make no sense, before anything is made.
func (r *Run) check() error {
	for _, n := range []struct {
		what string
		n    int
	}{
		{"iterations", r.iters}, {"accumulated batches", r.accumulate}, {"iterations between reports", r.reportEvery},
		{"iterations between checkpoints", r.saveEvery}, {"iterations between evaluations", r.evalEvery}, {"checkpoints to keep", r.keep},
	} {
		if n.n < 1 {
			return fmt.Errorf("%d %s", n.n, n.what)
		}
	}
	if !(r.clip >= 0) || r.patience < 0 {
		return fmt.Errorf("a clip of %v and a patience of %d: neither may be negative", r.clip, r.patience)
	}
	if r.patience > 0 && r.valid == nil {
		return errors.New("to stop early takes a validation set")
	}
	r.params = nn.Trainable(r.model.Module())
	if len(r.params) == 0 {
		return errors.New("no weight of the model is to be trained: load it models.WithTraining, and see tune.Apply")
	}
	return nil
}

// open makes the optimizer's state and the steps.
func (r *Run) open(ctx context.Context) error {
	if err := r.openDir(); err != nil {
		return err
	}
	return r.openState(ctx)
}

func (r *Run) openState(ctx context.Context) error {
	return r.model.Worker().Do(ctx, func(t *mlx.Thread) (err error) {
		r.owner = t.NewOwner("training")
		if r.state, err = optim.NewState(t, r.optimizer, r.params, r.owner); err != nil {
			return err
		}
		r.step, err = newStep(t, r)
		return err
	})
}

// Close frees the optimizer's state; the model stays as it was trained. A second
// Close does nothing.
func (r *Run) Close() error {
	var errs []error
	if r.pending != nil {
		errs = append(errs, r.pending.close())
		r.pending = nil
	}
	if r.step != nil {
		errs = append(errs, r.step.close())
	}
	if r.owner != nil {
		errs = append(errs, r.owner.Close())
	}
	return errors.Join(errs...)
}

// Iter is how many batches the run has trained on.
func (r *Run) Iter() int { return r.at.Iter }

// Trained is how many numbers the run trains.
func (r *Run) Trained() (n int64) {
	for _, l := range r.params {
		size, _ := l.Array().Size()
		n += int64(size)
	}
	return n
}

// Stopped reports whether the run ended early: see WithEarlyStop.
func (r *Run) Stopped() bool { return r.patience > 0 && r.at.Waited >= r.patience }

// Run trains up to the last iteration. When ctx ends it returns its error after the
// iteration it is in; Save then keeps what was done, and Run goes on with it. The
// processes of a group end together, after the same iteration, when one's ctx does.
func (r *Run) Run(ctx context.Context) error {
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("train: iteration %d: %w", r.at.Iter, err)
	}
	return nil
}

func (r *Run) run(ctx context.Context) error {
	r.clock.start(r.now())
	r.leaving = false
	if r.at.Iter == 0 {
		if err := r.tell(BeginEvent{Iters: r.iters, Trained: r.Trained(), Parameters: r.model.Size()}); err != nil {
			return err
		}
		if err := errors.Join(r.evaluate(ctx), r.sample(ctx)); err != nil {
			return err
		}
	}
	for r.at.Iter < r.iters && !r.Stopped() {
		if err := r.ended(ctx); err != nil {
			return errors.Join(err, r.settle())
		}
		if err := r.iterate(ctx); err != nil {
			return err
		}
	}
	if err := r.settle(); err != nil {
		return err
	}
	return r.sample(ctx)
}

// iterate trains on one batch, and does what is due after it.
func (r *Run) iterate(ctx context.Context) error {
	b, err := r.source.Next()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := checkBatch(b, r.model.VocabSize()); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := r.launch(b, ctx.Err() != nil); err != nil {
		return err
	}
	last := r.at.Iter == r.iters
	if last || r.at.Iter%r.reportEvery == 0 {
		if err := r.report(); err != nil {
			return err
		}
	}
	if r.valid != nil && (last || r.at.Iter%r.evalEvery == 0) {
		if err := r.evaluate(ctx); err != nil {
			return err
		}
	}
	if r.dir != "" && r.saveDue(last) {
		return r.save()
	}
	return nil
}

// do runs f on the model's thread, to its end: contexts are looked at between
// iterations, for half of a step is of no use.
func (r *Run) do(f func(t *mlx.Thread) error) error {
	return r.model.Worker().Do(context.Background(), f)
}

// launch begins to compute the step of a batch, and takes in the one before, which
// has been computed meanwhile. With leave this process tells its group that it wants
// to end.
func (r *Run) launch(b *data.Batch, leave bool) error {
	update := (r.at.Iter+1)%r.accumulate == 0 || r.at.Iter+1 == r.iters
	return r.do(func(t *mlx.Thread) error {
		rate := r.schedule(r.at.Updates)
		if math.IsNaN(rate) || math.IsInf(rate, 0) {
			return fmt.Errorf("the schedule's learning rate of update %d is %v", r.at.Updates, rate)
		}
		if err := r.clearOthers(t, b); err != nil {
			return err
		}
		next, err := r.step.launch(t, b, rate, r.key(), update, leave)
		if err != nil {
			return err
		}
		before := r.pending
		r.pending = next
		r.at.Iter++
		if update {
			r.at.Updates++
		}
		return r.take(t, before)
	})
}

// key is that of the next step: it follows from the seed, so that nothing has to be
// saved, and differs between processes.
func (r *Run) key() uint64 {
	rank := 0
	if r.group != nil {
		rank = r.group.Rank()
	}
	return rand.New(rand.NewPCG(r.seed, uint64(r.at.Iter*r.processes()+rank))).Uint64()
}

// clearOthers gives memory back that was kept for batches of another shape.
func (r *Run) clearOthers(t *mlx.Thread, b *data.Batch) error {
	if shape := [2]int{b.B, b.L}; shape != r.shape {
		r.shape = shape
		return t.ClearCache()
	}
	return nil
}

// settle waits for the step that is being computed.
func (r *Run) settle() error {
	return r.do(func(t *mlx.Thread) error {
		last := r.pending
		r.pending = nil
		return r.take(t, last)
	})
}

// take adds the outcome of a step to what the run knows.
func (r *Run) take(t *mlx.Thread, l *launched) error {
	if l == nil {
		return nil
	}
	out, err := l.read(t)
	if err != nil {
		return err
	}
	if math.IsNaN(out.loss) || math.IsInf(out.loss, 0) {
		return fmt.Errorf("%w: %v, at a learning rate of %v", ErrNotFinite, out.loss, l.rate)
	}
	r.leaving = r.leaving || out.leave
	r.at.add(out, l.rate)
	return nil
}

// tell calls the observers.
func (r *Run) tell(e Event) error {
	for _, f := range r.observers {
		if err := f(e); err != nil {
			return fmt.Errorf("observer: %w", err)
		}
	}
	return nil
}
