package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// SplitLatent shows each layer kv_b_proj [H*(keys+values), rank], which maps the
// latent of an attention to the keys and values of all heads, as the two layers
// that mlx-lm makes of it: embed_q [H, rank, keys] and unembed_out
// [H, values, rank]. What is packed is packed again in the same way where repack
// says so, which rounds once more; else it stays unpacked.
func SplitLatent(w Weights, heads, keys, values, rank int, repack bool) Weights {
	const whole = "kv_b_proj.weight"
	out := &derived{Weights: w, made: map[string]Tensor{}}
	for _, name := range w.Names() {
		base, found := strings.CutSuffix(name, whole)
		if !found {
			out.names = append(out.names, name)
			continue
		}
		t := w.Tensor(name)
		if f, ok := t.(Fitter); ok {
			t = f.Fit(rank)
		}
		part := latentPart{whole: t, name: name, want: []int{heads * (keys + values), rank}, heads: heads, to: keys, turned: true}
		out.add(base+"embed_q.weight", part.tensor(repack))
		part.from, part.to, part.turned = keys, keys+values, false
		out.add(base+"unembed_out.weight", part.tensor(repack))
	}
	slices.Sort(out.names)
	return out
}

// derived is a checkpoint some of whose tensors are made of others.
type derived struct {
	Weights
	names []string
	made  map[string]Tensor
}

func (d *derived) add(name string, t Tensor) {
	d.names = append(d.names, name)
	d.made[name] = t
}

// Names implements Weights.
func (d *derived) Names() []string { return d.names }

// Tensor implements Weights.
func (d *derived) Tensor(name string) Tensor {
	if t, ok := d.made[name]; ok {
		return t
	}
	if !slices.Contains(d.names, name) {
		return nil
	}
	return d.Weights.Tensor(name)
}

// latentPart is rows [from, to) of each head of a weight [H*rows, rank].
type latentPart struct {
	whole    Tensor
	name     string
	want     []int // shape of the whole
	heads    int
	from, to int
	turned   bool // [H, rank, to-from] instead of [H, to-from, rank]
}

// tensor is the part, packed again where the whole is packed and groups divide
// its rows.
func (p latentPart) tensor(repack bool) Tensor {
	if q, ok := p.whole.(Quantised); ok && repack {
		how, shape := q.Quantisation(), p.Shape()
		if how.Bits > 0 && shape[2]%how.GroupSize == 0 && !fineGroups(how) {
			return packedPart{p, how}
		}
	}
	return p
}

func (p latentPart) source() Tensor { return p.whole }

// Shape implements Tensor.
func (p latentPart) Shape() []int {
	if p.turned {
		return []int{p.heads, p.want[1], p.to - p.from}
	}
	return []int{p.heads, p.to - p.from, p.want[1]}
}

// Check implements Checker.
func (p latentPart) Check() error {
	if c, ok := p.whole.(Checker); ok {
		if err := c.Check(); err != nil {
			return err
		}
	}
	if shape := p.whole.Shape(); !slices.Equal(shape, p.want) {
		return fmt.Errorf("%s has shape %v, want %v", p.name, shape, p.want)
	}
	return nil
}

// Dense implements Tensor.
func (p latentPart) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	whole, err := p.whole.Dense(t, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	made, err := computed(t, func(s *mlx.Scope) []mlx.Array {
		w := s.Reshape(s.Own(whole, nil), p.heads, -1, p.want[1])
		w = s.Slice(w, []int{0, p.from, 0}, []int{p.heads, p.to, p.want[1]}, []int{1, 1, 1})
		if p.turned {
			w = s.SwapAxes(w, -1, -2)
		}
		return []mlx.Array{s.Contiguous(w, false)}
	})
	if err != nil {
		return mlx.Array{}, err
	}
	return made[0], nil
}

// packedPart is a part that is packed as the whole is.
type packedPart struct {
	latentPart
	q Quantisation
}

// Quantisation implements Quantised.
func (p packedPart) Quantisation() Quantisation { return p.q }

// Packed implements Quantised. It rounds on the CPU, so that the weights do not
// depend on the machine.
func (p packedPart) Packed(t *mlx.Thread, dtype mlx.Dtype) (Packed, error) {
	w, err := p.Dense(t, dtype)
	if err != nil {
		return Packed{}, err
	}
	parts, err := computed(t, func(s *mlx.Scope) (parts []mlx.Array) {
		s.On(t.CPUStream(), func(s *mlx.Scope) mlx.Array {
			parts = s.Quantize(s.Own(w, nil), mlx.SomeInt(p.q.GroupSize), mlx.SomeInt(p.q.Bits), p.q.Mode, mlx.Array{})
			return mlx.Array{}
		})
		return parts
	})
	if err != nil {
		return Packed{}, err
	}
	out := Packed{Quantisation: p.q, Weight: parts[0], Scales: parts[1]}
	if len(parts) == 3 {
		out.Biases = parts[2]
	}
	return out, nil
}

// computed builds arrays and evaluates them.
func computed(t *mlx.Thread, fn func(s *mlx.Scope) []mlx.Array) ([]mlx.Array, error) {
	made, err := t.BuildAll(fn)
	if err != nil {
		return nil, err
	}
	if err := t.Eval(made...); err != nil {
		return nil, errors.Join(err, mlx.CloseAll(made...))
	}
	return made, nil
}
