package train

import (
	"errors"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// launched is a step that is being computed.
type launched struct {
	loss, count, norm mlx.Array
	leave             mlx.Array // how many processes want to end; null where there is one
	rate              float64
	batch             *data.Batch
}

// outcome is what a step came to.
type outcome struct {
	loss   float64 // mean over the tokens
	tokens int64
	norm   float64
	leave  bool // a process wants to end

	positions, padding int
}

// launch builds the step of a batch, and begins to compute it.
func (p *step) launch(t *mlx.Thread, b *data.Batch, rate float64, key uint64, update, leave bool) (*launched, error) {
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
		return append(f.Call(s, append(args, in[2:]...)...), p.wishes(s, leave)...)
	})
	if err = errors.Join(err, mlx.CloseAll(in...)); err != nil {
		return nil, errors.Join(err, mlx.CloseAll(out...))
	}
	l := &launched{loss: out[0], count: out[1], norm: out[2], rate: rate, batch: b}
	if len(out) > 3 {
		l.leave = out[3]
	}
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
	values := [4]float64{}
	for i, a := range []mlx.Array{l.loss, l.count, l.norm, l.leave} {
		if a.IsNull() {
			continue
		}
		v, err := mlx.Item[float32](t, a)
		if err != nil {
			return outcome{}, errors.Join(err, l.close())
		}
		values[i] = float64(v)
	}
	_, padding := l.batch.Count()
	return outcome{
		loss: values[0] / max(values[1], 1), tokens: int64(values[1]), norm: values[2], leave: values[3] > 0,
		positions: l.batch.B * l.batch.L, padding: padding,
	}, l.close()
}

func (l *launched) close() error { return mlx.CloseAll(l.loss, l.count, l.norm, l.leave) }

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
