package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/sidebyside"
	"forge.lthn.ai/core/go-mlx/models"
)

// serveOptions are the command line of `bench serve`, which the program calls itself
// with: each setting runs in a process of its own, as a user's would.
type serveOptions struct {
	Model   string `arg:"" type:"existingfile" help:"A GGUF file."`
	Weights string `default:"auto" enum:"auto,dense,packed" help:"The form of the weights."`
}

// manyRows is how many prompts a batch has.
const manyRows = 8

// oursSettings are the ways in which go-mlx is measured. The first one is what a user
// gets.
func oursSettings(threads int, onGPU bool) []setting {
	all := []setting{
		{of: goMLX, weights: "auto", label: " (the default)"},
		{of: goMLX, weights: "dense"},
		{of: goMLX, weights: "auto", rows: manyRows, label: fmt.Sprintf(", %d prompts at once", manyRows)},
	}
	if threads > 1 && !onGPU {
		all = append(all, setting{of: goMLX, weights: "auto", threads: 1, label: ", 1 thread"})
	}
	return all
}

// startOurs starts every setting of ours and waits until its model is loaded.
func startOurs(ctx context.Context, gguf string, settings []setting, log io.Writer) (all []contender, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for _, s := range settings {
		fmt.Fprintf(log, "loading the model into go-mlx, %s weights%s\n", s.weights, s.label)
		cmd := fetch.Command(ctx, program, "serve", gguf, "--weights", s.weights)
		cmd.Env = os.Environ()
		if s.threads > 0 {
			cmd.Env = append(cmd.Env, "GO_MLX_THREADS="+strconv.Itoa(s.threads))
		}
		p, err := start(ctx, cmd, s)
		if err != nil {
			return all, err
		}
		p.label = p.Form + s.label
		all = append(all, p)
	}
	return all, nil
}

// runServe answers requests as peer.py does.
func runServe(ctx context.Context, o serveOptions, in io.Reader, out io.Writer) (err error) {
	m, err := models.Load(ctx, o.Model, models.WithWeights(models.WeightForm(o.Weights)))
	if err != nil {
		return err
	}
	mine := &ours{label: label(m), model: m}
	defer func() { err = errors.Join(err, mine.close()) }()
	answers, requests := json.NewEncoder(out), json.NewDecoder(in)
	if err := answers.Encode(hello{Form: mine.label}); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	for {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		a, err := mine.answer(ctx, r)
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
}

// answer does what is asked for.
func (o *ours) answer(ctx context.Context, r request) (answer, error) {
	if len(r.Beside) > 0 {
		b, err := sidebyside.Run(ctx, o.model, append([][]int32{r.Prompt}, r.Beside...), r.Tokens, chunk)
		if err != nil {
			return answer{}, err
		}
		return answer{Tokens: b.Tokens[0], Beside: b.Tokens[1:], PromptS: b.PromptTime.Seconds(), DecodeS: b.DecodeTime.Seconds(), Arrays: b.Peak}, nil
	}
	s, err := o.run(ctx, workload{ids: r.Prompt, prompt: len(r.Prompt), tokens: r.Tokens, builds: r.Builds})
	a := answer{Tokens: s.tokens, PromptS: s.promptTime.Seconds(), DecodeS: s.decodeTime.Seconds(), Arrays: s.arrays, Cache: s.cache}
	a.BuildS = inSeconds(s.builds)
	return a, err
}

func inSeconds(times []time.Duration) []float64 {
	var all []float64
	for _, t := range times {
		all = append(all, t.Seconds())
	}
	return all
}
