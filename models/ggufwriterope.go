package models

import (
	"fmt"
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// floatTensor is a vector that no checkpoint has.
type floatTensor []float32

// Shape implements nn.Tensor.
func (f floatTensor) Shape() []int { return []int{len(f)} }

// StoredDtype implements nn.Stored.
func (f floatTensor) StoredDtype() mlx.Dtype { return mlx.Float32 }

// Dense implements nn.Tensor.
func (f floatTensor) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	return sliceAs(t, f, dtype, len(f))
}

// rope writes how positions turn: the base as metadata, the scaling as metadata or
// as the factors of each pair.
func (w *ggufWriter) rope() error {
	theta := 10000.0
	if w.name == "gemma3" {
		theta = 1e6
	}
	rope := w.settings.rope(fullAttention, int(w.num("head_dim")), theta)
	w.set("%s.rope.freq_base", float32(rope.Base))
	w.set("%s.rope.dimension_count", uint32(rope.Dims))
	s := rope.Scaling
	if s == nil {
		return nil
	}
	if rope.Traditional {
		return fmt.Errorf("rope_traditional: llama.cpp's %s cannot say it", w.name)
	}
	switch kind := s.Kind(); kind {
	case "default", "mrope":
	case "linear":
		w.set("%s.rope.scaling.type", kind)
		w.set("%s.rope.scaling.factor", float32(s.Factor))
	case "llama3":
		w.factors(ggufRopeFreqs, llama3Factors(s, rope.Base, rope.Dims))
	case "yarn":
		return w.yarn(s)
	case "longrope", "su":
		return w.longRope(s)
	default:
		return fmt.Errorf("rope_scaling.rope_type: llama.cpp's %s cannot say %q", w.name, kind)
	}
	if len(s.FreqFactors) > 0 {
		w.factors(ggufRopeFreqs, s.FreqFactors)
	}
	return nil
}

func (w *ggufWriter) factors(name string, factors []float64) {
	list := make(floatTensor, len(factors))
	for i, f := range factors {
		list[i] = float32(f)
	}
	w.Tensors = append(w.Tensors, GGUFTensor{Tensor: list, Name: name, Whole: true})
}

// llama3Factors are what Llama 3's scaling divides the frequencies of the pairs by:
// nothing for the fast ones, the factor for the slow, and a blend between.
func llama3Factors(s *nn.RopeScaling, base float64, dims int) []float64 {
	low, high := orElse(s.LowFreqFactor, 1), orElse(s.HighFreqFactor, 4)
	factors := make([]float64, dims/2)
	for i := range factors {
		turns := s.OriginalMaxPositionEmbeddings / (2 * math.Pi * math.Pow(base, float64(2*i)/float64(dims)))
		blend := min(max((turns-low)/(high-low), 0), 1)
		factors[i] = 1 / ((1-blend)/s.Factor + blend)
	}
	return factors
}

func (w *ggufWriter) yarn(s *nn.RopeScaling) error {
	truncates := s.Truncate == nil || *s.Truncate
	switch {
	case s.MScale != nil || s.MScaleAllDim != 0:
		return fmt.Errorf("rope_scaling.mscale: llama.cpp's %s cannot say it", w.name)
	case truncates == (w.name == "gpt-oss"):
		return fmt.Errorf("rope_scaling.truncate: llama.cpp's %s cannot say %v", w.name, truncates)
	}
	w.set("%s.rope.scaling.type", "yarn")
	w.set("%s.rope.scaling.factor", float32(s.Factor))
	w.set("%s.rope.scaling.original_context_length", uint32(orElse(s.OriginalMaxPositionEmbeddings, w.num("max_position_embeddings"))))
	if s.BetaFast != 0 {
		w.set("%s.rope.scaling.yarn_beta_fast", float32(s.BetaFast))
	}
	if s.BetaSlow != 0 {
		w.set("%s.rope.scaling.yarn_beta_slow", float32(s.BetaSlow))
	}
	if s.AttentionFactor != 0 {
		w.set("%s.rope.scaling.attn_factor", float32(s.AttentionFactor/(0.1*math.Log(max(s.Factor, 1))+1)))
	}
	return nil
}

func (w *ggufWriter) longRope(s *nn.RopeScaling) error {
	if s.LongMScale != 0 || s.AttentionFactor != 0 {
		return fmt.Errorf("rope_scaling.attention_factor: llama.cpp's %s cannot say it", w.name)
	}
	original := s.OriginalMaxPositionEmbeddings
	scale := w.num("max_position_embeddings") / max(original, 1)
	w.set("%s.rope.scaling.type", "longrope")
	w.set("%s.rope.scaling.original_context_length", uint32(original))
	if scale > 1 {
		w.set("%s.rope.scaling.attn_factor", float32(math.Sqrt(1+math.Log(scale)/math.Log(original))))
	}
	w.factors(ggufRopeLong, s.LongFactor)
	w.factors(ggufRopeShort, s.ShortFactor)
	return nil
}
