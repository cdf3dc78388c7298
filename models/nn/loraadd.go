package nn

import (
	"errors"
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LoRAConfig says what AddLoRA puts beside a layer.
type LoRAConfig struct {
	Rank    int
	Scale   float64
	Dropout float64 // in [0, 1): see Dropping
	DoRA    bool
	Seed    uint64 // of A
}

func (c *LoRAConfig) check() error {
	switch {
	case c.Rank < 1:
		return fmt.Errorf("rank %d is not positive", c.Rank)
	case math.IsNaN(c.Scale) || math.IsInf(c.Scale, 0) || c.Scale == 0:
		return fmt.Errorf("scale %v is no number other than 0", c.Scale)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout %v is not in [0, 1)", c.Dropout)
	}
	return nil
}

// AddLoRA puts new low-rank products beside layers of Adaptables: A is drawn as
// mlx-lm draws it, B is zero, and the model computes what it did before. The
// weights beside them may be in any form, packed and fused ones included, and are
// taken to stay as they are: freeze them. The products are float32, and belong to
// owner. When AddLoRA fails the model is as it was.
func AddLoRA(t *mlx.Thread, layers []Adaptable, owner *mlx.Owner, c LoRAConfig) error {
	if err := addLoRA(t, layers, owner, &c); err != nil {
		return fmt.Errorf("nn: add LoRA: %w", err)
	}
	return nil
}

func addLoRA(t *mlx.Thread, layers []Adaptable, owner *mlx.Owner, c *LoRAConfig) error {
	if err := c.check(); err != nil {
		return err
	}
	for _, ad := range layers {
		switch {
		case *ad.at != nil:
			return fmt.Errorf("%s has an adapter", ad.Name)
		case ad.In == 0 || ad.Out == 0:
			return fmt.Errorf("%s has no weight", ad.Name)
		}
		ad.blank.Rank, ad.blank.Scale, ad.blank.Dropout = c.Rank, c.Scale, c.Dropout
	}
	made, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		var made []mlx.Array
		keys := mlx.NewKeys(s, c.Seed)
		for _, ad := range layers {
			made = append(made, ad.blank.begin(s, keys, c.DoRA)...)
		}
		return made
	})
	if err != nil {
		return err
	}
	if err := t.Eval(made...); err != nil {
		return errors.Join(err, mlx.CloseAll(made...))
	}
	each := len(made) / max(1, len(layers))
	for i, ad := range layers {
		ad.blank.keep(owner, made[i*each:(i+1)*each])
		*ad.at = ad.blank
	}
	return nil
}

// begin makes A and B, and of DoRA M, which is the length of W's rows, and their
// squares.
func (r *LoRA) begin(s *mlx.Scope, keys *mlx.Keys, dora bool) []mlx.Array {
	a, b, _ := r.shapes()
	made := []mlx.Array{r.initial()(s, keys, a, mlx.Float32), s.Zeros(b, mlx.Float32)}
	if !dora {
		return made
	}
	squares := squaresOf(s, r.beside)
	return append(made, s.Sqrt(squares), squares)
}

// keep takes over what begin made.
func (r *LoRA) keep(owner *mlx.Owner, made []mlx.Array) {
	for i, p := range []*Param{&r.a, &r.b, &r.m, &r.squares}[:len(made)] {
		p.keep(owner, made[i])
	}
}

// IsDoRA reports whether the product has a magnitude.
func (r *LoRA) IsDoRA() bool { return !r.m.Array().IsNull() }
