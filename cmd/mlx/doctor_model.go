package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/models"
)

// errNoFit is the error of a model that is whole and too large.
var errNoFit = errors.New("the model does not fit into memory")

// model tells whether a model would load and fit; where it would not, the error
// says why.
func (d *doctorCmd) model(c *console) error {
	path, err := modelPath(c, d.Model)
	if err != nil {
		return err
	}
	n, err := models.Check(c.ctx, path, d.options()...)
	if err != nil {
		return err
	}
	form := "as stored"
	if n.Policy.Unpack {
		form = "unpacked"
	}
	cache := n.Info.CacheBytes(d.Context)
	fmt.Fprintf(c.out, "model      %s, %s parameters: files and weights are right\n", n.Info.ModelType, short(n.Info.Parameters()))
	fmt.Fprintf(c.out, "weights    %s, %s, computed in %v\n", humanize.Bytes(n.Weights), form, n.Policy.Dtype)
	fmt.Fprintf(c.out, "cache      %s for %s tokens\n", humanize.Bytes(cache), humanize.Comma(int64(d.Context)))
	return fits(c, n.Weights, cache, n.Available)
}

// fits compares what is needed with what there is.
func fits(c *console, weights, cache, available uint64) error {
	if available == 0 {
		fmt.Fprintln(c.out, "available  this system does not tell")
		return nil
	}
	fmt.Fprintf(c.out, "available  %s\n", humanize.Bytes(available))
	switch need := weights + cache; {
	case need <= available:
		return nil
	case weights > available:
		return fmt.Errorf("%w: its weights take %s and there are %s; quantised to fewer bits they may fit", errNoFit,
			humanize.Bytes(weights), humanize.Bytes(available))
	default:
		return fmt.Errorf("%w: weights and cache take %s and there are %s; a smaller --context may fit, or a quantised cache", errNoFit,
			humanize.Bytes(need), humanize.Bytes(available))
	}
}
