package train

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
)

// step is everything that is computed for a batch as one compiled function: loss,
// gradients, clipping and update. Weights, moments and accumulated gradients go in
// and out as its state.
type step struct {
	model     *models.Model
	params    nn.Tree
	state     *optim.State
	group     *mlx.Group
	clip      float64
	recompute bool
	rows      int  // of logits at a time
	drops     bool // there is dropout, and every step has a key

	sums     []*mlx.Array // of the gradients of batches before, float32, and of their tokens; nil without accumulation
	compiled map[form]*mlx.Compiled
}

// form is what a compiled function does.
type form struct{ packed, update bool }

// The memory that logits in float32 take at a time. A GPU multiplies small parts
// badly.
const (
	logitBytesCPU = 128 << 20
	logitBytesGPU = 1 << 30
)

func newStep(t *mlx.Thread, r *Run) (*step, error) {
	s := &step{
		model: r.model, params: r.params, state: r.state, group: r.group, clip: r.clip, recompute: r.recompute,
		compiled: map[form]*mlx.Compiled{}, drops: nn.Drops(r.model.Module()),
	}
	device, err := t.Device()
	if err != nil {
		return nil, err
	}
	bytes := logitBytesGPU
	if device.Type == mlx.CPU {
		bytes = logitBytesCPU
	}
	s.rows = max(1, bytes/4/r.model.VocabSize())
	if r.accumulate > 1 {
		return s, s.openSums(t, r.owner)
	}
	return s, nil
}

// openSums makes room for gradients to add up.
func (p *step) openSums(t *mlx.Thread, owner *mlx.Owner) error {
	zeros, err := t.BuildAll(p.noSums)
	if err != nil {
		return err
	}
	for _, z := range zeros {
		p.sums = append(p.sums, owner.Slot(z))
	}
	return t.Eval(zeros...)
}

// noSums are sums of nothing.
func (p *step) noSums(s *mlx.Scope) []mlx.Array {
	var out []mlx.Array
	for _, l := range p.params {
		out = append(out, s.Zeros(s.Shape(l.Array()), mlx.Float32))
	}
	return append(out, s.Zeros(nil, mlx.Float32))
}

// close frees the compiled functions.
func (p *step) close() error {
	var errs []error
	for _, c := range p.compiled {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// function is the compiled function of a form, made when it is first wanted.
func (p *step) function(t *mlx.Thread, f form) (*mlx.Compiled, error) {
	if c, ok := p.compiled[f]; ok {
		return c, nil
	}
	slots := append(p.params.Slots(), p.state.Slots()...)
	c, err := t.Compile(func(s *mlx.Scope, in []mlx.Array) []mlx.Array { return p.trace(s, f, in) },
		mlx.WithState(append(slots, p.sums...)...))
	if err != nil {
		return nil, err
	}
	p.compiled[f] = c
	return c, nil
}

// trace is the step: in are tokens [B, L+1], weights [B, L], the rate and a key [2], and
// of packed rows segments [B, L]. It returns the sum of the losses, the tokens that it is over,
// and the gradients' norm.
func (p *step) trace(s *mlx.Scope, f form, in []mlx.Array) []mlx.Array {
	pass := cache.Pass{Recompute: p.recompute}
	if f.packed {
		pass.Segments = in[4]
	}
	count := s.Sum(in[1], false)
	loss, grads := p.gradients(s, in[3], func(s *mlx.Scope) mlx.Array {
		return lossSum(s, p.model, in[0], in[1], pass, p.rows, losses.Chunked.Sum)
	})
	norm := s.Scalar(0, mlx.Float32)
	grads, total := p.summed(s, grads, count)
	if f.update {
		grads, total = p.everywhere(s, grads, total)
		grads, norm = p.averaged(s, grads, total, norm)
		p.state.Update(s, grads, in[2])
		grads, total = nil, mlx.Array{}
	}
	p.keepSums(s, grads, total)
	loss, count = p.shared(s, loss), p.shared(s, count)
	return []mlx.Array{loss, count, norm}
}

// gradients are those of f, with what is dropped by key.
func (p *step) gradients(s *mlx.Scope, key mlx.Array, f func(s *mlx.Scope) mlx.Array) (loss mlx.Array, grads []mlx.Array) {
	if !p.drops {
		return nn.ValueAndGrad(s, p.params, f)
	}
	nn.Dropping(s, p.model.Module(), key, func() { loss, grads = nn.ValueAndGrad(s, p.params, f) })
	return loss, grads
}

// summed adds the gradients of the batches before.
func (p *step) summed(s *mlx.Scope, grads []mlx.Array, count mlx.Array) (sums []mlx.Array, total mlx.Array) {
	if p.sums == nil || len(grads) == 0 {
		return grads, count
	}
	for i, g := range grads {
		sums = append(sums, s.Add(*p.sums[i], g))
	}
	return sums, s.Add(*p.sums[len(grads)], count)
}

// keepSums keeps sums for the next batch; without any it begins anew.
func (p *step) keepSums(s *mlx.Scope, grads []mlx.Array, total mlx.Array) {
	if p.sums == nil || s.Err() != nil {
		return
	}
	next := append(grads[:len(grads):len(grads)], total)
	if grads == nil {
		next = p.noSums(s)
	}
	for i, slot := range p.sums {
		s.Assign(slot, next[i])
	}
}

// averaged divides sums of gradients by the tokens that they are over, and clips
// them.
func (p *step) averaged(s *mlx.Scope, grads []mlx.Array, total, norm mlx.Array) ([]mlx.Array, mlx.Array) {
	if s.Err() != nil {
		return nil, norm
	}
	total = s.Maximum(total, s.Scalar(1, mlx.Float32)) // a batch may train nothing
	out := make([]mlx.Array, len(grads))
	for i, g := range grads {
		mean := s.Divide(s.AsType(g, mlx.Float32), total)
		out[i] = s.AsType(mean, s.DtypeOf(p.params[i].Array()))
	}
	if p.clip == 0 {
		return out, norm
	}
	return optim.ClipNorm(s, out, p.clip)
}

// lossSum is the sum of the weighted cross entropies of tokens [B, L+1], by how of
// Chunked.
func lossSum(s *mlx.Scope, m *models.Model, tokens, weights mlx.Array, pass cache.Pass, rows int,
	how func(c losses.Chunked, s *mlx.Scope, h, targets, weights mlx.Array) mlx.Array) mlx.Array {
	shape := s.Shape(tokens)
	if s.Err() != nil {
		return mlx.Array{}
	}
	b, l, ones := shape[0], shape[1]-1, []int{1, 1}
	inputs := s.Slice(tokens, []int{0, 0}, []int{b, l}, ones)
	targets := s.Slice(tokens, []int{0, 1}, []int{b, l + 1}, ones)
	h := s.Flatten(m.Hidden(s, inputs, pass), 0, 1) // [B*L, D]
	head := m.HeadParameters()
	c := losses.Chunked{
		Head: func(s *mlx.Scope, in []mlx.Array) (logits mlx.Array) {
			head.With(in[1:], func() { logits = m.Head(s, in[0]) })
			return logits
		},
		Params: head.Arrays(), Rows: rows,
	}
	return how(c, s, h, s.Flatten(targets, 0, 1), s.Flatten(weights, 0, 1))
}

// launched is a step that is being computed.
type launched struct {
	loss, count, norm mlx.Array
	rate              float64
	batch             *data.Batch
}

// outcome is what a step came to.
type outcome struct {
	loss   float64 // mean over the tokens
	tokens int64
	norm   float64

	positions, padding int
}

// launch builds the step of a batch, and begins to compute it.
func (p *step) launch(t *mlx.Thread, b *data.Batch, rate float64, key uint64, update bool) (*launched, error) {
	f, err := p.function(t, form{packed: b.Segments != nil, update: update})
	if err != nil {
		return nil, err
	}
	in, err := arrays(t, b)
	if err != nil {
		return nil, err
	}
	out, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		args := append(in[:2:2], s.Scalar(rate, mlx.Float32), s.RandomKey(key))
		return f.Call(s, append(args, in[2:]...)...)
	})
	if err = errors.Join(err, mlx.CloseAll(in...)); err != nil {
		return nil, errors.Join(err, mlx.CloseAll(out...))
	}
	l := &launched{out[0], out[1], out[2], rate, b}
	if err := t.AsyncEval(append(out, p.held()...)...); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// held are the arrays that a step changes.
func (p *step) held() []mlx.Array {
	all := p.params.Arrays()
	for _, slot := range append(p.state.Slots(), p.sums...) {
		all = append(all, *slot)
	}
	return all
}

// arrays are the inputs of a step but for the rate.
func arrays(t *mlx.Thread, b *data.Batch) ([]mlx.Array, error) {
	weights := make([]float32, len(b.Trained))
	for i, trained := range b.Trained {
		if trained {
			weights[i] = 1
		}
	}
	tokens, err := mlx.FromSlice(t, b.Tokens, b.B, b.L+1)
	if err != nil {
		return nil, err
	}
	out := []mlx.Array{tokens}
	w, err := mlx.FromSlice(t, weights, b.B, b.L)
	if err != nil {
		return nil, errors.Join(err, mlx.CloseAll(out...))
	}
	out = append(out, w)
	if b.Segments == nil {
		return out, nil
	}
	segments, err := mlx.FromSlice(t, b.Segments, b.B, b.L)
	if err != nil {
		return nil, errors.Join(err, mlx.CloseAll(out...))
	}
	return append(out, segments), nil
}

// read waits for the step, and closes it.
func (l *launched) read(t *mlx.Thread) (outcome, error) {
	values := [3]float64{}
	for i, a := range []mlx.Array{l.loss, l.count, l.norm} {
		v, err := mlx.Item[float32](t, a)
		if err != nil {
			return outcome{}, errors.Join(err, l.close())
		}
		values[i] = float64(v)
	}
	_, padding := l.batch.Count()
	return outcome{
		loss: values[0] / max(values[1], 1), tokens: int64(values[1]), norm: values[2],
		positions: l.batch.B * l.batch.L, padding: padding,
	}, l.close()
}

func (l *launched) close() error { return mlx.CloseAll(l.loss, l.count, l.norm) }

// checkBatch refuses what would make MLX read what is not there.
func checkBatch(b *data.Batch, vocab int) error {
	if b.B < 1 || b.L < 1 || len(b.Tokens) != b.B*(b.L+1) || len(b.Trained) != b.B*b.L || len(b.Lengths) != b.B {
		return fmt.Errorf("a batch of %d x %d has %d tokens, %d trained and %d lengths", b.B, b.L, len(b.Tokens), len(b.Trained), len(b.Lengths))
	}
	if b.Segments != nil && len(b.Segments) != b.B*b.L {
		return fmt.Errorf("a batch of %d x %d has %d segments", b.B, b.L, len(b.Segments))
	}
	for i, id := range b.Tokens {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d of row %d, %d, is not in the vocabulary of %d: was it made by this model's tokenizer?",
				i%(b.L+1)+1, i/(b.L+1)+1, id, vocab)
		}
	}
	return nil
}
