package models

import (
	"fmt"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// expertConfig is what config.json says of experts in groups: the families of
// DeepSeek-V2 and V3 and GLM-4.5.
type expertConfig struct {
	NRoutedExperts        int     `json:"n_routed_experts"` // 0 or null: every layer is dense
	NSharedExperts        int     `json:"n_shared_experts"`
	MoeIntermediateSize   int     `json:"moe_intermediate_size"`
	NumExpertsPerTok      int     `json:"num_experts_per_tok"`
	FirstKDenseReplace    int     `json:"first_k_dense_replace"`
	MoeLayerFreq          int     `json:"moe_layer_freq"`
	NGroup                int     `json:"n_group"`
	TopkGroup             int     `json:"topk_group"`
	RoutedScalingFactor   float64 `json:"routed_scaling_factor"`
	NormTopkProb          *bool   `json:"norm_topk_prob"` // true without
	TopkMethod            string  `json:"topk_method"`
	ScoringFunc           string  `json:"scoring_func"`
	NumNextnPredictLayers *int    `json:"num_nextn_predict_layers"` // 1 without
}

// The ways to choose experts, and what scores them.
var topkMethods = map[string]string{
	"noaux_tc":             "sigmoid", // with a bias, among the best groups
	"group_limited_greedy": "softmax", // among the best groups
	"greedy":               "softmax",
}

// normalize fills in the defaults and refuses what cannot be chosen from.
func (c *expertConfig) normalize(method string) error {
	if c.NumNextnPredictLayers == nil {
		one := 1
		c.NumNextnPredictLayers = &one
	}
	if err := checkSizes(sizes{{"num_nextn_predict_layers", *c.NumNextnPredictLayers + 1}}); err != nil || c.NRoutedExperts == 0 {
		return err
	}
	c.TopkMethod, c.RoutedScalingFactor = orElse(c.TopkMethod, method), orElse(c.RoutedScalingFactor, 1)
	c.NGroup, c.TopkGroup = orElse(c.NGroup, 1), orElse(c.TopkGroup, 1)
	c.NumExpertsPerTok, c.MoeLayerFreq = orElse(c.NumExpertsPerTok, 1), orElse(c.MoeLayerFreq, 1)
	if c.TopkMethod == "greedy" {
		c.NGroup, c.TopkGroup = 1, 1
	}
	err := checkSizes(sizes{
		{"n_routed_experts", c.NRoutedExperts}, {"moe_intermediate_size", c.MoeIntermediateSize},
		{"n_shared_experts", orElse(c.NSharedExperts, 1)}, {"num_experts_per_tok", c.NumExpertsPerTok},
		{"n_group", c.NGroup}, {"topk_group", c.TopkGroup}, {"moe_layer_freq", c.MoeLayerFreq},
		{"first_k_dense_replace", c.FirstKDenseReplace + 1},
	})
	if err != nil {
		return err
	}
	return c.checkChoice()
}

func (c *expertConfig) checkChoice() error {
	group := c.NRoutedExperts / c.NGroup
	scoring, known := topkMethods[c.TopkMethod]
	switch {
	case !known:
		return fieldError("topk_method", "%q is none of noaux_tc, group_limited_greedy and greedy", c.TopkMethod)
	case orElse(c.ScoringFunc, scoring) != scoring:
		return fieldError("scoring_func", "%q does not go with topk_method %s, which has %s", c.ScoringFunc, c.TopkMethod, scoring)
	case c.NRoutedExperts%c.NGroup != 0:
		return fieldError("n_group", "%d does not divide n_routed_experts %d", c.NGroup, c.NRoutedExperts)
	case c.TopkGroup > c.NGroup:
		return fieldError("topk_group", "%d of n_group %d", c.TopkGroup, c.NGroup)
	case c.TopkGroup < c.NGroup && group < 2:
		return fieldError("n_group", "%d: a group of n_routed_experts %d needs two to be measured by", c.NGroup, c.NRoutedExperts)
	case c.NumExpertsPerTok > c.TopkGroup*group:
		return fieldError("num_experts_per_tok", "%d, of %d that topk_group leaves", c.NumExpertsPerTok, c.TopkGroup*group)
	}
	return nil
}

// sparse tells whether a layer has experts.
func (c *expertConfig) sparse(layer int) bool {
	return c.NRoutedExperts > 0 && layer >= c.FirstKDenseReplace && layer%c.MoeLayerFreq == 0
}

// gate chooses the experts of tokens that are dims wide.
func (c *expertConfig) gate(dims int) nn.GroupGate {
	return nn.GroupGate{
		In: dims, Experts: c.NRoutedExperts, TopK: c.NumExpertsPerTok, Groups: c.NGroup, TopGroups: c.TopkGroup,
		Scale: c.RoutedScalingFactor, Normalise: c.NormTopkProb == nil || *c.NormTopkProb,
		Softmax: topkMethods[c.TopkMethod] == "softmax",
	}
}

// ownLayers shows the layers of the model, without those behind them by which it
// was trained to predict further tokens, and single experts as one weight.
func (c *expertConfig) ownLayers(w nn.Weights, layers int) nn.Weights {
	w = nn.Rename(w, func(stored string) (string, bool) {
		rest, found := strings.CutPrefix(stored, "model.layers.")
		var layer int
		_, err := fmt.Sscanf(rest, "%d.", &layer)
		return stored, !found || err != nil || layer < layers || layer >= layers+*c.NumNextnPredictLayers
	})
	return nn.StackExperts(w, c.NRoutedExperts)
}
