package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models"
)

type perplexityCmd struct {
	Model   string `required:"" short:"m" help:"A model folder, a .gguf file, or smollm2 for the small default model."`
	Text    string `required:"" placeholder:"FILE" help:"A text, or with the ending .jsonl lines of JSON with one in \"text\" each; - reads a text from standard input."`
	Samples int    `name:"num-samples" default:"256" help:"Score at most so many sequences; -1 is all."`
	Length  int    `name:"sequence-length" default:"512" help:"Tokens of a sequence."`
	Batch   int    `name:"batch-size" default:"8" help:"Sequences that run at a time."`
	Seed    uint32 `default:"123" help:"Seed of the order in which the lines of a .jsonl are taken."`
	JSON    bool   `help:"Print one line of JSON."`
	Quiet   bool   `short:"q" help:"Show no progress."`
	weightFlags
}

// Validate refuses sizes that no text has.
func (p *perplexityCmd) Validate() error {
	switch {
	case p.Samples == 0 || p.Samples < -1:
		return fmt.Errorf("--num-samples=%d is neither positive nor -1", p.Samples)
	case p.Length < 2:
		return fmt.Errorf("--sequence-length=%d is not 2 or more", p.Length)
	case p.Batch < 1:
		return fmt.Errorf("--batch-size=%d is not positive", p.Batch)
	}
	return nil
}

// Run prints the perplexity of a text.
func (p *perplexityCmd) Run(c *console) error {
	documents, err := readDocuments(c, p.Text)
	if err != nil {
		return err
	}
	path, err := modelPath(c.silent(p.Quiet), p.Model)
	if err != nil {
		return err
	}
	m, err := models.Load(c.ctx, path, p.options()...)
	if err != nil {
		return err
	}
	defer m.Close()
	tokens, err := p.tokens(m, documents)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Text, err)
	}
	result, err := m.Perplexity(c.ctx, tokens, models.WithSequenceLength(p.Length), models.WithBatchSize(p.Batch),
		models.WithBatchProgress(p.progress(c.err)))
	if err != nil {
		return err
	}
	return p.print(c.out, result)
}

// tokens takes documents in their order until there are enough.
func (p *perplexityCmd) tokens(m *models.Model, documents []string) ([]int32, error) {
	enough := math.MaxInt
	if p.Samples > 0 && p.Samples < enough/p.Length {
		enough = p.Samples * p.Length
	}
	var tokens []int32
	for _, i := range shuffled(len(documents), p.Seed) {
		ids, err := m.EncodeDocument(documents[i])
		if err != nil {
			return nil, err
		}
		if tokens = append(tokens, ids...); len(tokens) >= enough {
			return tokens[:enough], nil
		}
	}
	if len(tokens) < p.Length {
		return nil, fmt.Errorf("%d tokens, fewer than the %d of --sequence-length", len(tokens), p.Length)
	}
	return tokens, nil
}

// progress tells on a terminal how many sequences are done.
func (p *perplexityCmd) progress(w io.Writer) func(done, total int) {
	if p.Quiet || !fetch.IsTerminal(w) {
		return func(int, int) {}
	}
	return func(done, total int) {
		fmt.Fprintf(w, "\r%d of %d sequences", done, total)
		if done == total {
			fmt.Fprintln(w)
		}
	}
}

// perplexityJSON is what --json prints.
type perplexityJSON struct {
	Perplexity    float64  `json:"perplexity"`
	StandardError *float64 `json:"standard_error"` // null for a single prediction
	Sequences     int      `json:"sequences"`
	Tokens        int      `json:"tokens"`
	Seconds       float64  `json:"seconds"`
	TPS           float64  `json:"tokens_per_second"`
	PeakMemory    uint64   `json:"peak_memory"`
}

func (p *perplexityCmd) print(w io.Writer, r *models.Perplexity) error {
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return errors.New("the perplexity is no finite number: the model's logits are not")
	}
	if p.JSON {
		d := perplexityJSON{r.Value, nil, r.Sequences, r.Tokens, r.Time.Seconds(), r.TPS(), r.PeakMemory}
		if !math.IsNaN(r.StandardError) {
			d.StandardError = &r.StandardError
		}
		return json.NewEncoder(w).Encode(d)
	}
	_, err := fmt.Fprintf(w, "perplexity: %.3f ± %.3f\ntokens: %s in %s, %.0f tokens/s\npeak memory: %s\n",
		r.Value, r.StandardError, humanize.Comma(int64(r.Tokens)), english.Plural(r.Sequences, "sequence", ""), r.TPS(), humanize.Bytes(r.PeakMemory))
	return err
}
