package nn

import (
	"encoding/json"
	"fmt"
	"math"
)

// RopeScaling is config.json's rope_scaling: how positions beyond the trained
// context are squeezed. What a kind does not know it ignores; what is left out is
// as in mlx_lm/models/rope_utils.py.
type RopeScaling struct {
	RopeType string  `json:"rope_type"`
	Type     string  `json:"type"` // the older name of rope_type
	Factor   float64 `json:"factor"`

	// Llama 3, and YaRN and LongRoPE the last.
	LowFreqFactor                 float64 `json:"low_freq_factor"`
	HighFreqFactor                float64 `json:"high_freq_factor"`
	OriginalMaxPositionEmbeddings float64 `json:"original_max_position_embeddings"`

	// YaRN: Peng et al., 2023, https://arxiv.org/abs/2309.00071.
	BetaFast     float64  `json:"beta_fast"`
	BetaSlow     float64  `json:"beta_slow"`
	MScale       *float64 `json:"mscale"`
	MScaleAllDim float64  `json:"mscale_all_dim"`
	Truncate     *bool    `json:"truncate"` // false: the range of blended pairs is not rounded

	// LongRoPE: Ding et al., 2024, https://arxiv.org/abs/2402.13753.
	ShortFactor []float64 `json:"short_factor"`
	LongFactor  []float64 `json:"long_factor"`
	LongMScale  float64   `json:"long_mscale"` // what multiplies the turned features, unless 0

	// AttentionFactor multiplies the turned features, in place of what YaRN and
	// LongRoPE compute.
	AttentionFactor float64 `json:"attention_factor"`
	// PartialRotaryFactor is the part of the pairs that a proportional one turns.
	PartialRotaryFactor float64 `json:"partial_rotary_factor"`
	// FreqFactors divide the frequencies of the pairs, whatever the kind:
	// rope_freqs.weight of a GGUF file.
	FreqFactors []float64 `json:"freq_factors"`
}

// Kind is the scaling's name, "default" when there is none. The reference lets
// the older field win.
func (r *RopeScaling) Kind() string {
	switch {
	case r == nil:
		return "default"
	case r.Type != "":
		return r.Type
	case r.RopeType != "":
		return r.RopeType
	}
	return "default"
}

// AttentionScale is the scale of an attention whose scores YaRN sharpens, as
// apply_yarn_mscale of mlx-lm.
func (r *RopeScaling) AttentionScale(scale float64) float64 {
	if r.Kind() == "default" || r.MScaleAllDim == 0 {
		return scale
	}
	m := yarnMScale(r.Factor, r.MScaleAllDim)
	return scale * m * m
}

// yarnMScale is by how much features that are squeezed by factor grow.
func yarnMScale(factor, mscale float64) float64 {
	if factor <= 1 {
		return 1
	}
	return 0.1*mscale*math.Log(factor) + 1
}

// id tells scalings apart.
func (r *RopeScaling) id() string {
	if r == nil {
		return ""
	}
	text, _ := json.Marshal(r)
	return string(text)
}

// validate refuses a scaling of that many pairs that is unknown or lacks its
// parameters.
func (r *RopeScaling) validate(pairs, maxPositions int) error {
	var err error
	switch kind := r.Kind(); kind {
	case "default", "mrope":
	case "linear":
		err = wantPositive(field{"factor", r.Factor})
	case "dynamic":
		err = r.validateDynamic(maxPositions)
	case "llama3":
		err = r.validateLlama3()
	case "yarn", "deepseek_yarn":
		err = r.validateYarn()
	case "longrope", "su":
		err = r.validateLong(pairs, maxPositions)
	case "proportional":
		err = r.validateProportional()
	default:
		text, _ := json.Marshal(kind)
		err = fmt.Errorf("rope_scaling.rope_type is %s; default, linear, dynamic, llama3, yarn, deepseek_yarn, longrope, su, "+
			"proportional and mrope are known", text)
	}
	if err != nil || r == nil || len(r.FreqFactors) == 0 {
		return err
	}
	return wantList("freq_factors", r.FreqFactors, pairs)
}

func (r *RopeScaling) validateDynamic(maxPositions int) error {
	if maxPositions <= 0 {
		return fmt.Errorf("max_position_embeddings is %d, but rope_scaling.rope_type %q needs it", maxPositions, r.Kind())
	}
	if len(r.FreqFactors) > 0 {
		return fmt.Errorf("rope_scaling.freq_factors cannot go with rope_type %q", r.Kind())
	}
	return wantPositive(field{"factor", r.Factor})
}

func (r *RopeScaling) validateLlama3() error {
	low, high := r.llama3Range()
	err := wantPositive(field{"factor", r.Factor}, field{"low_freq_factor", low}, field{"high_freq_factor", high},
		field{"original_max_position_embeddings", r.context(8192)})
	if err == nil && low >= high {
		err = fmt.Errorf("rope_scaling.low_freq_factor is %v, not below high_freq_factor %v", low, high)
	}
	return err
}

func (r *RopeScaling) validateYarn() error {
	fast, slow := r.betas()
	err := wantPositive(field{"factor", r.Factor}, field{"beta_fast", fast}, field{"beta_slow", slow},
		field{"original_max_position_embeddings", r.context(4096)}, field{"attention_factor", orDefault(r.AttentionFactor, 1)})
	if err != nil {
		return err
	}
	if r.MScale != nil {
		err = wantPositive(field{"mscale", yarnMScale(r.Factor, *r.MScale)})
	}
	if err == nil {
		err = wantPositive(field{"mscale_all_dim", yarnMScale(r.Factor, r.MScaleAllDim)})
	}
	return err
}

func (r *RopeScaling) validateLong(pairs, maxPositions int) error {
	if maxPositions <= 0 {
		return fmt.Errorf("max_position_embeddings is %d, but rope_scaling.rope_type %q needs it", maxPositions, r.Kind())
	}
	original := r.OriginalMaxPositionEmbeddings
	if !(original > 1) || math.IsInf(original, 0) {
		return fmt.Errorf("rope_scaling.original_max_position_embeddings is %v, want a number above 1", original)
	}
	if err := wantList("long_factor", r.LongFactor, pairs); err != nil {
		return err
	}
	if len(r.ShortFactor) > 0 || r.fits(maxPositions) {
		if err := wantList("short_factor", r.ShortFactor, pairs); err != nil {
			return err
		}
	}
	return wantPositive(field{"attention_factor", orDefault(r.AttentionFactor, 1)})
}

func (r *RopeScaling) validateProportional() error {
	if err := wantPositive(field{"factor", orDefault(r.Factor, 1)}); err != nil {
		return err
	}
	if p := orDefault(r.PartialRotaryFactor, 1); !(p > 0 && p <= 1) {
		return fmt.Errorf("rope_scaling.partial_rotary_factor is %v, want a number above 0 and at most 1", p)
	}
	return nil
}

// field is a number of rope_scaling.
type field struct {
	name  string
	value float64
}

func wantPositive(fields ...field) error {
	for _, f := range fields {
		if !(f.value > 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("rope_scaling.%s is %v, want a positive number", f.name, f.value)
		}
	}
	return nil
}

// wantList refuses a list that has not one positive number a pair.
func wantList(name string, list []float64, pairs int) error {
	if len(list) != pairs {
		return fmt.Errorf("rope_scaling.%s has %d numbers for %d pairs of features", name, len(list), pairs)
	}
	for i, v := range list {
		if err := wantPositive(field{fmt.Sprintf("%s[%d]", name, i), v}); err != nil {
			return err
		}
	}
	return nil
}
