package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Info is what a configuration says about its model.
type Info struct {
	ModelType string
	Dtype     mlx.Dtype  // that the checkpoint computes in
	Layers    int        // with a cache of their own
	Vocab     int        // logits of a token
	Tensors   []nn.Shape // every parameter, in the order of the model
	Limits    Limits
	Files     *Files // what the model's files say; nil where only its configuration is known

	quant  quantConfig
	sizes  cache.Sizes
	chosen int // experts of a token
}

// Describe resolves the bytes of a config.json into the model that it describes,
// without weights: the graph of a step is built, and nothing computed. It needs
// MLX, but neither memory nor time to speak of.
func Describe(ctx context.Context, config []byte) (*Info, error) {
	info, err := resolve(ctx, config, nil)
	if err != nil {
		return nil, fmt.Errorf("models: describe: %w", err)
	}
	return info, nil
}

// resolve traces the model in its own dtype, or in another.
func resolve(ctx context.Context, config []byte, dtype *mlx.Dtype) (*Info, error) {
	var c struct {
		ModelType string `json:"model_type"`
	}
	arch, err := newArchitecture(config)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, configError(err)
	}
	info := &Info{ModelType: c.ModelType}
	if err := info.readLimits(config); err != nil {
		return nil, err
	}
	if info.Dtype, err = configDtype(config); err != nil {
		return nil, err
	}
	info.Dtype = valueOr(dtype, info.Dtype)
	if info.quant, err = readQuantConfig(config); err != nil {
		return nil, err
	}
	if info.Tensors, err = nn.Shapes(arch); err != nil {
		return nil, err
	}
	return info, mlx.Do(ctx, func(t *mlx.Thread) error { return info.trace(t, arch) })
}

// trace builds the graph of a step and reads its shapes.
func (info *Info) trace(t *mlx.Thread, arch architecture) (err error) {
	owner := t.NewOwner("placeholders")
	kv := arch.NewCache(t)
	defer func() { err = errors.Join(err, kv.Close(), owner.Close()) }()
	if err := nn.Placeholders(t, arch, owner, info.Dtype); err != nil {
		return err
	}
	logits, err := t.Build(func(s *mlx.Scope) mlx.Array {
		return arch.Forward(s, s.Zeros([]int{1}, mlx.Int32), kv)
	})
	if err != nil {
		return err
	}
	defer logits.Close()
	shape, err := logits.Shape()
	if err != nil {
		return err
	}
	info.Layers, info.Vocab = len(kv.Layers), int(shape[len(shape)-1])
	if info.sizes, err = kv.Sizes(); err != nil {
		return err
	}
	info.Limits.Windows = info.sizes.Windows()
	return nil
}

// Parameters is the number of all weights.
func (info *Info) Parameters() (n int64) {
	for _, t := range info.Tensors {
		n += t.Size()
	}
	return n
}

// ActiveParameters is the number of weights that a token goes through: of a
// mixture's experts only those that are chosen.
func (info *Info) ActiveParameters() (n int64) {
	for _, t := range info.Tensors {
		if t.Experts > 0 {
			n += t.Size() / int64(t.Experts) * int64(min(info.chosen, t.Experts))
		} else {
			n += t.Size()
		}
	}
	return n
}

// CacheBytes is what the cache of one sequence takes at that many tokens.
func (info *Info) CacheBytes(tokens int) uint64 { return info.sizes.Bytes(tokens) }

// WeightBytes is what the weights take as the configuration has them: packed
// where it says so, else in its dtype.
func (info *Info) WeightBytes() uint64 { return info.bytes(info.quant.of) }

// PackedBytes is what the weights take when every one that can be is packed in
// that way.
func (info *Info) PackedBytes(q nn.Quantisation) uint64 {
	return info.bytes(func(string) nn.Quantisation { return q })
}

// bytes adds up the weights, packed as quant says of their layers.
func (info *Info) bytes(quant func(layer string) nn.Quantisation) uint64 {
	var total int64
	for _, t := range info.Tensors {
		q := nn.Quantisation{}
		if t.Quantisable {
			q = quant(strings.TrimSuffix(t.Name, ".weight"))
		}
		if rows := t.Shape[len(t.Shape)-1]; q.Bits != 0 && rows%q.GroupSize != 0 {
			q = nn.Quantisation{}
		}
		total += memoryOf(t.Size(), q, info.Dtype)
	}
	return uint64(total)
}

// memoryOf is what n numbers take in dtype, or packed with scales of dtype.
func memoryOf(n int64, q nn.Quantisation, dtype mlx.Dtype) int64 {
	width := int64(2)
	if dtype == mlx.Float32 {
		width = 4
	}
	if q.Bits == 0 {
		return n * width
	}
	return n*int64(q.Bits)/8 + n/int64(q.GroupSize)*scaleBytes(q.Mode, width)
}

// scaleBytes is what a group of packed weights takes beside them: scale and bias,
// or the one byte of a scale.
func scaleBytes(mode string, width int64) int64 {
	if mode == "affine" {
		return 2 * width
	}
	return 1
}
