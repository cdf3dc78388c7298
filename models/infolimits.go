package models

import (
	"cmp"
	"encoding/json"
)

// Limits are the bounds that a model was made for.
type Limits struct {
	MaxPositions int   // max_position_embeddings: tokens of its longest text; 0 where it is not said
	Windows      []int // of each layer with a cache: the tokens that it looks back to, 0 for all
}

// readLimits reads what only a text's length and the number of active parameters
// depend on, and no layer's shape.
func (info *Info) readLimits(config []byte) error {
	type fields struct {
		MaxPositions     int `json:"max_position_embeddings"`
		NumExpertsPerTok int `json:"num_experts_per_tok"`
		TopKExperts      int `json:"top_k_experts"`
	}
	var c struct {
		fields
		Text fields `json:"text_config"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return configError(err)
	}
	info.Limits.MaxPositions = cmp.Or(c.Text.MaxPositions, c.MaxPositions)
	info.chosen = cmp.Or(c.Text.NumExpertsPerTok, c.Text.TopKExperts, c.NumExpertsPerTok, c.TopKExperts)
	return nil
}
