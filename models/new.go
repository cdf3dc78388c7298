package models

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// New makes a model of random weights from the bytes of a config.json, equal for
// equal configurations: to train one from nothing, or to measure a shape whose
// weights are not here. It is packed as the configuration says. It has no
// tokenizer; GenerateTokens and Forward are what it can do.
func New(ctx context.Context, config []byte, opts ...Option) (*Model, error) {
	c := newLoadConfig(opts)
	m, err := newRandom(ctx, config, c)
	if err != nil {
		return nil, fmt.Errorf("models: new: %w", err)
	}
	return m, nil
}

func newRandom(ctx context.Context, config []byte, c *loadConfig) (*Model, error) {
	arch, err := newArchitecture(config)
	if err != nil {
		return nil, err
	}
	shapes, err := nn.Shapes(arch)
	if err != nil {
		return nil, err
	}
	ck := &checkpoint{name: "config.json", config: config, own: true}
	if ck.dtype, err = configDtype(config); err != nil {
		return nil, err
	}
	quant, err := readQuantConfig(config)
	if err != nil {
		return nil, err
	}
	ck.weights = newRandomWeights(shapes, &quant)
	m, err := loadCheckpoint(ctx, ck, arch, c)
	if err == nil {
		m.setText(text{}, c)
	}
	return m, err
}

// randomWeights are weights that are drawn when they are read.
type randomWeights map[string]nn.Tensor

func newRandomWeights(shapes []nn.Shape, quant *quantConfig) randomWeights {
	w := randomWeights{}
	for _, sh := range shapes {
		t := randomTensor{sh}
		w[sh.Name] = t
		if !sh.Quantisable {
			continue
		}
		q := quant.of(strings.TrimSuffix(sh.Name, ".weight"))
		if q.Bits > 0 && q.Mode != "fp8" && sh.Shape[len(sh.Shape)-1]%q.GroupSize == 0 {
			w[sh.Name] = randomPacked{t, q}
		}
	}
	return w
}

// Names implements nn.Weights.
func (w randomWeights) Names() []string {
	names := make([]string, 0, len(w))
	for n := range w {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Tensor implements nn.Weights.
func (w randomWeights) Tensor(name string) nn.Tensor { return w[name] }

// Close does nothing.
func (w randomWeights) Close() error { return nil }

// randomDeviation is what models of this kind begin with, initializer_range in
// config.json.
const randomDeviation = 0.02

// randomTensor is a matrix of normal numbers, or a vector: of ones, but for biases
// of zeros.
type randomTensor struct{ of nn.Shape }

// Shape implements nn.Tensor.
func (r randomTensor) Shape() []int { return r.of.Shape }

// Dense implements nn.Tensor.
func (r randomTensor) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	return evaluated(t, func(s *mlx.Scope) mlx.Array { return s.AsType(r.draw(s, dtype), dtype) })
}

func (r randomTensor) draw(s *mlx.Scope, dtype mlx.Dtype) mlx.Array {
	switch {
	case strings.HasSuffix(r.of.Name, "bias"):
		return s.Zeros(r.of.Shape, dtype)
	case len(r.of.Shape) < 2:
		return s.Ones(r.of.Shape, dtype)
	}
	key := s.RandomKey(uint64(crc32.ChecksumIEEE([]byte(r.of.Name))))
	return s.RandomNormal(r.of.Shape, dtype, 0, randomDeviation, key)
}

// randomPacked is one that is quantised after it was drawn.
type randomPacked struct {
	randomTensor
	q nn.Quantisation
}

// Quantisation implements nn.Quantised.
func (r randomPacked) Quantisation() nn.Quantisation { return r.q }

// Packed implements nn.Quantised.
func (r randomPacked) Packed(t *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	parts, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		return s.Quantize(r.draw(s, dtype), mlx.SomeInt(r.q.GroupSize), mlx.SomeInt(r.q.Bits), r.q.Mode, mlx.Array{})
	})
	if err != nil {
		return nn.Packed{}, err
	}
	out := nn.Packed{Quantisation: r.q, Weight: parts[0], Scales: parts[1]}
	if len(parts) > 2 {
		out.Biases = parts[2]
	}
	return out, t.Eval(parts...)
}
