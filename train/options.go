package train

import (
	"time"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
)

// config is what options set.
type config struct {
	optimizer  optim.Optimizer
	schedule   optim.Schedule
	iters      int
	accumulate int
	clip       float64
	seed       uint64
	recompute  bool

	dir       string
	saveEvery int
	keep      int
	files     func(dir string) error

	valid       data.Source
	evalBatches int
	evalEvery   int
	patience    int

	reportEvery int
	observers   []func(Event) error
	samples     samples
	group       *mlx.Group
	now         func() time.Time
}

// Option changes how a Run trains.
type Option func(*config)

// The defaults are those of mlx_lm.lora, but for the optimizer's rate.
func newConfig(opts []Option) *config {
	c := &config{
		optimizer: optim.NewAdam(), schedule: optim.Constant(1e-5), iters: 1000, accumulate: 1,
		saveEvery: 100, keep: 2, files: func(string) error { return nil },
		evalEvery: 200, evalBatches: 25, reportEvery: 10, now: time.Now,
	}
	for _, o := range opts {
		o(c)
	}
	return c
}

// WithOptimizer sets what makes updates of gradients; the default is Adam.
func WithOptimizer(o optim.Optimizer) Option { return func(c *config) { c.optimizer = o } }

// WithSchedule sets the learning rate of each update; the default is 1e-5.
func WithSchedule(s optim.Schedule) Option { return func(c *config) { c.schedule = s } }

// WithIters sets how many batches the run trains on; the default is 1000.
func WithIters(n int) Option { return func(c *config) { c.iters = n } }

// WithAccumulation makes one update of the gradients of n batches. Every token counts
// the same: the update is that of one batch of all their rows. mlx-lm lets every batch
// count the same, however few of its tokens are trained.
func WithAccumulation(n int) Option { return func(c *config) { c.accumulate = n } }

// WithClip scales the gradients down to a norm of at most max; 0, the default, does
// not.
func WithClip(max float64) Option { return func(c *config) { c.clip = max } }

// WithSeed sets the seed of what is drawn while training; the default is 0.
func WithSeed(seed uint64) Option { return func(c *config) { c.seed = seed } }

// WithRecompute lets the model's blocks run again for their gradients instead of
// keeping what they computed: much less memory for a third more time. mlx-lm calls
// it grad_checkpoint.
func WithRecompute() Option { return func(c *config) { c.recompute = true } }

// WithDir sets the folder of the checkpoints; without one nothing is saved.
func WithDir(dir string) Option { return func(c *config) { c.dir = dir } }

// WithSaveEvery saves a checkpoint after each n batches, at the update then or next;
// the default is 100. The last update is always saved.
func WithSaveEvery(n int) Option { return func(c *config) { c.saveEvery = n } }

// WithKeep sets how many checkpoints stay, beside that of the best evaluation; the
// default is 2.
func WithKeep(n int) Option { return func(c *config) { c.keep = n } }

// WithFiles adds files to each checkpoint: write puts them into the folder that it is
// given, before the checkpoint counts as one.
func WithFiles(write func(dir string) error) Option { return func(c *config) { c.files = write } }

// WithValidation evaluates the model on that many batches of valid, the same ones each
// time, before the first and after the last iteration and between them: see
// WithEvalEvery. A negative number is all of them.
func WithValidation(valid data.Source, batches int) Option {
	return func(c *config) { c.valid, c.evalBatches = valid, batches }
}

// WithEvalEvery evaluates after each n iterations; the default is 200.
func WithEvalEvery(n int) Option { return func(c *config) { c.evalEvery = n } }

// WithEarlyStop ends the run when that many evaluations after the best one were no
// better; 0, the default, does not.
func WithEarlyStop(patience int) Option { return func(c *config) { c.patience = patience } }

// WithReportEvery tells a StepEvent after each n iterations; the default is 10.
func WithReportEvery(n int) Option { return func(c *config) { c.reportEvery = n } }

// WithObserver calls f with the run's events, in order, between iterations. An error
// ends the run.
func WithObserver(f func(Event) error) Option {
	return func(c *config) { c.observers = append(c.observers, f) }
}

// WithGroup trains with the other processes of g, each on batches of its own: an update
// is that of one batch of all their rows. Only rank 0 saves and shows samples. Every
// process needs the same options and a Source of its share.
func WithGroup(g *mlx.Group) Option { return func(c *config) { c.group = g } }
