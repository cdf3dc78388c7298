package nn

import (
	"context"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LoadLoRA puts the low-rank products of an adapter beside layers of model, whose
// weights are loaded, as AddLoRA puts new ones: in float32, to be trained or used,
// beside weights of any form that are taken to stay as they are. What is wrong with
// the adapter is told before anything is read. When LoadLoRA fails the model is as it
// was.
func LoadLoRA(ctx context.Context, t *mlx.Thread, model any, owner *mlx.Owner, a Adapter) error {
	l := &loader{
		ctx: ctx, t: t, policy: Policy{Dtype: mlx.Float32, Trainable: true}, owner: owner,
		adapter: &a, low: &loader{w: a.Weights, used: map[string]bool{}},
	}
	var layers []Adaptable
	var reads []func() error
	for _, ad := range Adaptables(model) {
		r, read := l.planAdapter(ad.Name, ad.blank)
		switch {
		case r == nil:
			continue
		case ad.LoRA != nil:
			return fmt.Errorf("nn: load LoRA: %s has an adapter", ad.Name)
		}
		layers = append(layers, ad)
		reads = append(reads, inOrder(ctx.Err, read, l.measure(r, a.DoRA)))
	}
	if err := l.low.finish("adapter weights"); err != nil {
		return err
	}
	for i, read := range reads {
		if err := read(); err != nil {
			for _, ad := range layers {
				ad.blank.free()
			}
			return fmt.Errorf("nn: load LoRA: %s: %w", layers[i].Name, err)
		}
	}
	for _, ad := range layers {
		*ad.at = ad.blank
	}
	return nil
}

// measure makes what DoRA knows of the weight beside it.
func (l *loader) measure(r *LoRA, dora bool) func() error {
	if !dora {
		return nil
	}
	return func() error {
		return l.set(&r.squares, func(s *mlx.Scope) mlx.Array { return squaresOf(s, r.beside) })
	}
}
