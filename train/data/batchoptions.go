package data

import (
	"errors"
	"fmt"
	"math"
)

// BatchOption changes how NewBatches makes batches.
type BatchOption func(*batchConfig)

type batchConfig struct {
	size, length int
	seed         uint32
	rank, world  int
	packed       bool
	mlxlm        bool
	rest         bool
}

// BatchSize sets the rows of a batch, those of all processes together; the default
// is 4.
func BatchSize(n int) BatchOption { return func(c *batchConfig) { c.size = n } }

// MaxLength sets how many tokens of a row are taken, and into how many rows are
// packed; the default is 2048. What is behind them is cut off, see [Summary].
func MaxLength(n int) BatchOption { return func(c *batchConfig) { c.length = n } }

// Seed sets the order.
func Seed(seed uint32) BatchOption { return func(c *batchConfig) { c.seed = seed } }

// Shard takes rank's share of every batch, a row in world; all processes must have
// the same set and the same options.
func Shard(rank, world int) BatchOption {
	return func(c *batchConfig) { c.rank, c.world = rank, world }
}

// Packed puts several examples into a row, as many as fit: see [Batch.Segments].
func Packed() BatchOption { return func(c *batchConfig) { c.packed = true } }

// WithRest takes the rows that are left at the end of a pass as a smaller batch,
// instead of leaving them out of this pass. For validation.
func WithRest() BatchOption { return func(c *batchConfig) { c.rest = true } }

// AsMLXLM makes the batches of mlx_lm.lora, to compare with: without sorting by
// length, always the same rows together, padded to multiples of 32 of their tokens,
// and with a loss that counts the padding behind a row's last token.
func AsMLXLM() BatchOption { return func(c *batchConfig) { c.mlxlm = true } }

func (c *batchConfig) check() error {
	switch {
	case c.size < 1 || c.size > math.MaxInt32:
		return fmt.Errorf("data: a batch size of %d is not positive", c.size)
	case c.length < 2 || c.length > math.MaxInt32:
		return fmt.Errorf("data: a maximum length of %d is not 2 or more", c.length)
	case c.world < 1 || c.rank < 0 || c.rank >= c.world:
		return fmt.Errorf("data: there is no process %d of %d", c.rank, c.world)
	case c.size%c.world != 0:
		return fmt.Errorf("data: a batch size of %d cannot be shared by %d processes", c.size, c.world)
	case c.mlxlm && c.packed:
		return errors.New("data: mlx-lm does not pack")
	case c.rest && c.packed && c.world > 1:
		return errors.New("data: the rest of packed rows cannot be shared by processes")
	}
	return nil
}
