package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/models"
)

// errNoFit is the error of a model that is whole and too large.
var errNoFit = errors.New("the model does not fit into memory")

// modelDiagnosis is what a model that is whole needs; sizes are bytes.
type modelDiagnosis struct {
	Type       string `json:"model_type"`
	Parameters int64  `json:"parameters"`
	Weights    uint64 `json:"weight_bytes"`
	Unpacked   bool   `json:"unpacked"`
	Dtype      string `json:"dtype"`
	Context    int    `json:"context"`
	Cache      uint64 `json:"cache_bytes"`
	Available  uint64 `json:"available_bytes"` // 0 where the system does not tell
	Fits       bool   `json:"fits"`
}

// model tells whether a model would load and fit; where it would not, the error
// says why.
func (d *doctorCmd) model(c *console, m *modelDiagnosis) error {
	path, err := modelPath(c, d.Model)
	if err != nil {
		return err
	}
	n, err := models.Check(c.ctx, path, d.options()...)
	if err != nil {
		return err
	}
	*m = modelDiagnosis{
		Type: n.Info.ModelType, Parameters: n.Info.Parameters(), Weights: n.Weights, Unpacked: n.Policy.Unpack, Dtype: n.Policy.Dtype.String(),
		Context: d.Context, Cache: n.Info.CacheBytes(d.Context), Available: n.Available,
	}
	err = fits(m.Weights, m.Cache, m.Available)
	m.Fits = err == nil
	return err
}

// print writes what a model needs, and what there is.
func (m *modelDiagnosis) print(w io.Writer) {
	if m.Type == "" {
		return // the error says why
	}
	form := "as stored"
	if m.Unpacked {
		form = "unpacked"
	}
	fmt.Fprintf(w, "model      %s, %s parameters: files and weights are right\n", m.Type, short(m.Parameters))
	fmt.Fprintf(w, "weights    %s, %s, computed in %s\n", humanize.Bytes(m.Weights), form, m.Dtype)
	fmt.Fprintf(w, "cache      %s for %s tokens\n", humanize.Bytes(m.Cache), humanize.Comma(int64(m.Context)))
	there := "this system does not tell"
	if m.Available > 0 {
		there = humanize.Bytes(m.Available)
	}
	fmt.Fprintf(w, "available  %s\n", there)
}

// fits compares what is needed with what there is, where the system tells.
func fits(weights, cache, available uint64) error {
	switch need := weights + cache; {
	case need <= available || available == 0:
		return nil
	case weights > available:
		return fmt.Errorf("%w: its weights take %s and there are %s; quantised to fewer bits they may fit", errNoFit,
			humanize.Bytes(weights), humanize.Bytes(available))
	default:
		return fmt.Errorf("%w: weights and cache take %s and there are %s; a smaller --context may fit, or a quantised cache", errNoFit,
			humanize.Bytes(need), humanize.Bytes(available))
	}
}
