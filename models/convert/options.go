package convert

import (
	"fmt"
	"regexp"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// settings is what options set.
type settings struct {
	worker     *mlx.Worker
	quantise   bool
	base       nn.Quantisation
	recipe     string
	layers     []layerRule
	dequantise bool
	dtype      *mlx.Dtype
	shard      int64
	progress   func(done, total int, name string)
	baseModel  string
	adapter    string
}

// layerRule packs the layers that a pattern matches in a way of its own; not at
// all where q is zero.
type layerRule struct {
	pattern *regexp.Regexp
	q       nn.Quantisation
}

// Option changes what Folder does.
type Option func(*settings)

// Quantize packs the weights of linear layers, embeddings and experts whose rows
// are whole groups. Zero fields of q are mlx-lm's defaults for the mode. Layers
// that mlx-lm keeps at 8 bits, such as routers, are kept so.
func Quantize(q nn.Quantisation) Option {
	return func(s *settings) { s.quantise, s.base = true, q }
}

// Recipe mixes widths as mlx-lm's recipe of that name does: one of Recipes. It
// goes with Quantize, in mode "affine", whose bits it replaces.
func Recipe(name string) Option { return func(s *settings) { s.recipe = name } }

// Layer packs the layers whose names match pattern in their own way, whatever the
// recipe or the model says. The first pattern that matches counts. Zero fields of
// q are the mode's defaults, and a zero q leaves the layers dense.
func Layer(pattern *regexp.Regexp, q nn.Quantisation) Option {
	return func(s *settings) { s.layers = append(s.layers, layerRule{pattern, q}) }
}

// Dequantize unpacks every weight.
func Dequantize() Option { return func(s *settings) { s.dequantise = true } }

// Dtype stores numbers that are not packed, and the scales of mode "affine", as d:
// Float32, Float16 or BFloat16. Without it that is config.json's torch_dtype, and
// where there is none each tensor keeps its own.
func Dtype(d mlx.Dtype) Option { return func(s *settings) { s.dtype = &d } }

// ShardSize sets the most bytes of data in a file, 5 GiB without it. A tensor that
// is larger has a file of its own.
func ShardSize(bytes int64) Option { return func(s *settings) { s.shard = bytes } }

// Progress calls f before each tensor, and with an empty name at the end.
func Progress(f func(done, total int, name string)) Option {
	return func(s *settings) { s.progress = f }
}

// BaseModel names the model that was converted, in the model card.
func BaseModel(name string) Option { return func(s *settings) { s.baseModel = name } }

// Adapter merges the adapter of a folder of mlx-lm's or PEFT's into the weights, as
// mlx_lm.fuse does. Those that are packed are packed again in the same way, unless
// Dequantize is set; and without Dtype all keep theirs.
func Adapter(dir string) Option { return func(s *settings) { s.adapter = dir } }

// On converts on a Worker of the caller's, instead of the default one.
func On(w *mlx.Worker) Option { return func(s *settings) { s.worker = w } }

func newSettings(opts []Option) (*settings, error) {
	s := &settings{shard: 5 << 30, progress: func(int, int, string) {}}
	for _, o := range opts {
		o(s)
	}
	if s.worker == nil {
		s.worker = mlx.Default()
	}
	return s, s.check()
}

// check refuses settings that contradict each other, and fills in defaults.
func (s *settings) check() (err error) {
	switch {
	case s.quantise && s.dequantise:
		return fmt.Errorf("either quantize or dequantize, not both")
	case !s.quantise && (s.recipe != "" || len(s.layers) > 0):
		return fmt.Errorf("recipes and settings of layers go with quantize")
	case s.shard <= 0:
		return fmt.Errorf("a shard size of %d bytes", s.shard)
	}
	if s.dtype != nil && dtypeNames[s.dtype.String()] != *s.dtype {
		return fmt.Errorf("dtype %v is none of float32, float16 and bfloat16", *s.dtype)
	}
	if s.base, err = checked(s.base); err != nil {
		return err
	}
	for i, l := range s.layers {
		if l.q == (nn.Quantisation{}) {
			continue
		}
		if s.layers[i].q, err = checked(l.q); err != nil {
			return fmt.Errorf("layers %s: %w", l.pattern, err)
		}
	}
	_, known := recipes[s.recipe]
	switch {
	case s.recipe == "":
	case !known:
		return fmt.Errorf("recipe %q is none of %v", s.recipe, Recipes())
	case s.base.Mode != "affine":
		return fmt.Errorf("recipe %s: mode %q is not affine", s.recipe, s.base.Mode)
	}
	return nil
}

// checked fills in the defaults of q and refuses what MLX does not have.
func checked(q nn.Quantisation) (nn.Quantisation, error) {
	q, err := q.Defaults()
	if err != nil {
		return q, err
	}
	return q, q.Check()
}
