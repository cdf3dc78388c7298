package models

import (
	"context"
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Needs is what a model that can be loaded takes in memory.
type Needs struct {
	Info      *Info     // in the dtype that it would compute in
	Policy    nn.Policy // the form in which its weights would be kept
	Weights   uint64    // bytes
	Available uint64    // bytes that there are for weights and cache; 0 where that is not known
}

// Check is Load without reading weights: its error says everything that keeps the
// model from being loaded. A model that may be loaded need not fit into memory.
func Check(ctx context.Context, path string, opts ...Option) (*Needs, error) {
	n, err := check(ctx, path, newLoadConfig(opts))
	if err != nil {
		return nil, fmt.Errorf("models: check %s: %w", path, err)
	}
	return n, nil
}

func check(ctx context.Context, path string, c *loadConfig) (n *Needs, err error) {
	ck, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ck.weights.Close()) }()
	arch, err := newArchitecture(ck.config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ck.name, err)
	}
	n = &Needs{}
	err = mlx.Do(ctx, func(t *mlx.Thread) (err error) {
		if n.Policy, err = c.policy(t, ck); err != nil {
			return err
		}
		if err := nn.Check(arch, ck.named(arch), n.Policy); err != nil {
			return fmt.Errorf("%s: %w", ck.name, err)
		}
		n.Available, err = available(t)
		return err
	})
	if err != nil {
		return nil, err
	}
	n.Weights = weightMemory(ck.weights, n.Policy)
	if n.Info, err = resolve(ctx, ck.config, &n.Policy.Dtype); err != nil {
		return nil, fmt.Errorf("%s: %w", ck.name, err)
	}
	return n, nil
}

// weightMemory is what weights take when they are kept as policy says.
func weightMemory(w nn.Weights, policy nn.Policy) uint64 {
	var total int64
	for _, name := range w.Names() {
		t := w.Tensor(name)
		size, q := int64(1), nn.Quantisation{}
		for _, d := range t.Shape() {
			size *= int64(d)
		}
		kept := policy.Keeps(t)
		if packed, ok := t.(nn.Quantised); ok && !policy.Unpack {
			q = packed.Quantisation()
		} else if ok || len(t.Shape()) < 2 {
			kept = policy.Dtype
		}
		total += memoryOf(size, q, kept)
	}
	return uint64(total)
}

// available is what MLX may still take: of the machine's memory on a CPU, of MLX's
// limit on a GPU.
func available(t *mlx.Thread) (uint64, error) {
	device, err := t.Device()
	if err != nil || device.Type == mlx.CPU {
		return freeMemory(), err
	}
	limit, err := t.MemoryLimit()
	if err != nil {
		return 0, err
	}
	active, err := t.ActiveMemory()
	return limit - min(active, limit), err
}
