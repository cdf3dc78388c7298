package tune

import (
	"fmt"
	"math"
)

// Method is what is trained.
type Method string

const (
	// LoRA trains low-rank products beside frozen weights: Hu et al., 2021,
	// https://arxiv.org/abs/2106.09685.
	LoRA Method = "lora"
	// DoRA trains their magnitudes too: Liu et al., 2024,
	// https://arxiv.org/abs/2402.09353.
	DoRA Method = "dora"
	// Full trains the weights themselves.
	Full Method = "full"
)

// Config says what Apply makes of a model. The zero Config is LoRA as mlx_lm.lora
// has it by default, on all blocks.
type Config struct {
	Method Method // "" is LoRA
	Layers int    // how many of the last blocks; 0 and less is all of them
	// Keys are the layers to train by their names within a block, as
	// "self_attn.q_proj"; those outside of blocks by their whole names, as "lm_head".
	// nil is every layer in a block that has a matrix. Full trains norms too, then.
	Keys []string

	Rank    int     // of LoRA and DoRA; 0 is 8
	Scale   float64 // of the product; 0 is 20
	Alpha   float64 // in place of Scale: it is Alpha over Rank
	Dropout float64 // share of a layer's input that its product does not see, in [0, 1)
	Seed    uint64  // of the products' first values
}

// maxRank is more than any layer has rows.
const maxRank = 1 << 20

// withDefaults fills in what is zero and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	if c.Method == "" {
		c.Method = LoRA
	}
	switch c.Method {
	case LoRA, DoRA:
	case Full:
		return c, nil
	default:
		return c, fmt.Errorf("method %q is none of lora, dora and full", c.Method)
	}
	if c.Rank == 0 {
		c.Rank = 8
	}
	if c.Rank < 0 || c.Rank > maxRank {
		return c, fmt.Errorf("rank: %d is not between 1 and %d", c.Rank, maxRank)
	}
	if c.Scale != 0 && c.Alpha != 0 {
		return c, fmt.Errorf("scale %v and alpha %v: give one of them", c.Scale, c.Alpha)
	}
	switch {
	case c.Alpha != 0:
		c.Scale = c.Alpha / float64(c.Rank)
	case c.Scale == 0:
		c.Scale = 20
	}
	if math.IsNaN(c.Scale) || math.Abs(c.Scale) > math.MaxFloat32 {
		return c, fmt.Errorf("scale: %v is not finite", c.Scale)
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		return c, fmt.Errorf("dropout: %v is not in [0, 1)", c.Dropout)
	}
	return c, nil
}
