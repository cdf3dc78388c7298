package tune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Apply makes of m what c says: it freezes the weights, puts new adapters beside
// those layers that linear_to_lora_layers of mlx-lm takes, or leaves the weights of
// the last blocks trainable. The model computes what it did before. A model that
// already has adapters is refused. When Apply fails no adapter was added.
func Apply(ctx context.Context, m *models.Model, c Config) error {
	if err := apply(ctx, m, c); err != nil {
		return fmt.Errorf("tune: apply: %w", err)
	}
	return nil
}

func apply(ctx context.Context, m *models.Model, c Config) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	if c.Method == Full {
		return unfreeze(m, c)
	}
	chosen, err := choose(nn.Adaptables(m.Module()), c)
	if err != nil {
		return err
	}
	lora := nn.LoRAConfig{Rank: c.Rank, Scale: c.Scale, Dropout: c.Dropout, DoRA: c.Method == DoRA, Seed: c.Seed}
	return m.Worker().Do(ctx, func(t *mlx.Thread) error {
		trainable := nn.Trainable(m.Module())
		if err := nn.AddLoRA(t, chosen, m.Owner(), lora); err != nil {
			return err
		}
		trainable.Freeze()
		return nil
	})
}

// blockOf cuts the name of a layer in a block into the block's number and the name
// within: "model.layers.3.mlp.up_proj" into 3 and "mlp.up_proj".
func blockOf(name string) (block int, within string, ok bool) {
	rest, ok := strings.CutPrefix(name, blocksPrefix)
	number, within, dot := strings.Cut(rest, ".")
	block, err := strconv.Atoi(number)
	return block, within, ok && dot && err == nil
}

const blocksPrefix = "model.layers."

// blocks is how many blocks there are among names.
func blocks(names []string) int {
	n := 0
	for _, name := range names {
		if i, _, ok := blockOf(name); ok {
			n = max(n, i+1)
		}
	}
	return n
}

// pick reports whether a layer is to be trained: layers are those of the names.
type pick func(name string) bool

// newPick chooses among layers as mlx-lm does: keys within the last blocks, and
// keys that are whole names.
func newPick(layers []string, c Config) (pick, error) {
	total := blocks(layers)
	if c.Layers > total {
		return nil, fmt.Errorf("layers: %d of the last blocks, the model has %d", c.Layers, total)
	}
	first := 0
	if c.Layers > 0 {
		first = total - c.Layers
	}
	for _, key := range c.Keys {
		if !slices.ContainsFunc(layers, func(name string) bool { return isKey(name, key, first) }) {
			return nil, unknownKey(key, layers, first)
		}
	}
	return func(name string) bool {
		block, _, inBlock := blockOf(name)
		if c.Keys == nil {
			return inBlock && block >= first
		}
		return slices.ContainsFunc(c.Keys, func(key string) bool { return isKey(name, key, first) })
	}, nil
}

func isKey(name, key string, first int) bool {
	block, within, inBlock := blockOf(name)
	return name == key || inBlock && block >= first && within == key
}

// unknownKey tells what keys there are.
func unknownKey(key string, layers []string, first int) error {
	var known []string
	for _, name := range layers {
		if block, within, ok := blockOf(name); !ok {
			known = append(known, name)
		} else if block >= first {
			known = append(known, within)
		}
	}
	slices.Sort(known)
	return fmt.Errorf("keys: %q is no layer that can be trained; there are %s", key, strings.Join(slices.Compact(known), ", "))
}

// choose lists the layers that get adapters.
func choose(all []nn.Adaptable, c Config) ([]nn.Adaptable, error) {
	names := make([]string, len(all))
	for i, ad := range all {
		names[i] = ad.Name
	}
	picked, err := newPick(names, c)
	if err != nil {
		return nil, err
	}
	var out []nn.Adaptable
	widest := 0
	for _, ad := range all {
		if ad.LoRA != nil {
			return nil, fmt.Errorf("%s already has an adapter", ad.Name)
		}
		if picked(ad.Name) {
			out = append(out, ad)
			widest = max(widest, min(ad.In, ad.Out))
		}
	}
	switch {
	case len(out) == 0:
		return nil, errors.New("the model has no layer to adapt")
	case c.Rank > widest:
		return nil, fmt.Errorf("rank: %d is more than any of the layers has: at most %d", c.Rank, widest)
	}
	return out, nil
}

// unfreeze leaves the weights that Full trains, which are numbers, and freezes the
// others.
func unfreeze(m *models.Model, c Config) error {
	var layers, names []string
	params := m.Parameters()
	for _, l := range params {
		layers = append(layers, layerOf(l.Name))
	}
	picked, err := newPick(layers, c)
	if err != nil {
		return err
	}
	packed := packedLayers(params)
	for _, l := range params {
		layer := layerOf(l.Name)
		switch {
		case !picked(layer) || packed[layer] && l.Name != layer+".bias":
			continue
		case l.Array().IsNull():
			return fmt.Errorf("%s is kept for inference: load the model models.WithTraining", l.Name)
		}
		names = append(names, l.Name)
	}
	if len(names) == 0 {
		return errors.New("the model has no weight to train: packed ones stay as they are")
	}
	nn.Freeze(m.Module())
	nn.Unfreeze(m.Module(), names...)
	return nil
}

// layerOf is the layer of a parameter.
func layerOf(param string) string {
	i := strings.LastIndexByte(param, '.')
	return param[:max(i, 0)]
}

// packedLayers are those whose weight is packed, which has scales.
func packedLayers(params nn.Tree) map[string]bool {
	packed := map[string]bool{}
	for _, l := range params {
		if layer, ok := strings.CutSuffix(l.Name, ".scales"); ok {
			packed[layer] = true
		}
	}
	return packed
}
