package train

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
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

// logitBytes is the memory that logits in float32 take at a time, of which a step
// holds up to three.
const logitBytes = 128 << 20

func newStep(t *mlx.Thread, r *Run) (*step, error) {
	s := &step{
		model: r.model, params: r.params, state: r.state, group: r.group, clip: r.clip, recompute: r.recompute,
		compiled: map[form]*mlx.Compiled{}, drops: nn.Drops(r.model.Module()),
	}
	s.rows = max(1, logitBytes/4/r.model.VocabSize())
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
	state := slices.Concat(p.params.Slots(), p.state.Slots(), p.sums)
	frozen := slices.DeleteFunc(p.model.Owner().Slots(), func(a *mlx.Array) bool { return slices.Contains(state, a) })
	c, err := t.Compile(func(s *mlx.Scope, in []mlx.Array) []mlx.Array { return p.trace(s, f, in) },
		mlx.WithState(state...), mlx.WithReads(frozen...))
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
