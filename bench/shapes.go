package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
	"forge.lthn.ai/core/go-mlx/models"
)

// shapesOptions are the command line of `bench shapes`.
type shapesOptions struct {
	Configs      []string      `arg:"" type:"existingfile" name:"config.json" help:"Configurations to run with random weights."`
	Peer         string        `type:"path" placeholder:"DIR" help:"Python environment with mlx-lm, not one of its own."`
	PromptTokens int           `default:"512" help:"Length of the prompt."`
	Tokens       int           `default:"128" help:"Tokens to generate in a run."`
	Runs         int           `default:"5" help:"Runs of each setting, in turns."`
	Builds       int           `default:"16" help:"Graphs of a step to build in a run."`
	Limit        time.Duration `default:"5m" help:"A setting whose run takes longer gets shorter and fewer runs."`
	Out          string        `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`
}

// smallVocabulary bounds the ids of the prompt: every model has them.
const smallVocabulary = 1000

// shape is a configuration that was measured.
type shape struct {
	name    string
	results []result
}

// runShapes measures models of random weights beside mlx-lm: the same weights in
// both, in the form that the configuration says.
func runShapes(ctx context.Context, o shapesOptions, out, log io.Writer) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	ids, err := readPrompt(filepath.Join(root, "models", "testdata", "smollm2.json"))
	if err != nil {
		return err
	}
	m, err := describe(ctx)
	if err != nil {
		return err
	}
	python, err := environment(ctx, o.Peer, m.gpu != "", log)
	if err != nil {
		return err
	}
	for i := range ids {
		ids[i] %= smallVocabulary
	}
	w := workload{ids: ids, prompt: o.PromptTokens, tokens: o.Tokens, builds: o.Builds, runs: o.Runs}
	var all []shape
	for _, path := range o.Configs {
		s, hello, err := runShape(ctx, path, python, w, o.Limit, log)
		if err != nil {
			return err
		}
		m.peer = hello
		all = append(all, s)
		fmt.Fprint(out, shapesTable(all))
	}
	if o.Out == "" {
		o.Out = document(root)
	}
	return markdown.Rewrite(o.Out, "bench "+m.section()+" shapes", "make bench", shapesMarkdown(m, o, all))
}

// runShape measures one configuration. Only one is in memory at a time.
func runShape(ctx context.Context, path, python string, w workload, limit time.Duration, log io.Writer) (s shape, h hello, err error) {
	s.name = strings.TrimSuffix(filepath.Base(path), ".json")
	config, err := os.ReadFile(path)
	if err != nil {
		return s, h, fmt.Errorf("bench: %w", err)
	}
	fmt.Fprintf(log, "making %s\n", s.name)
	model, err := models.New(ctx, config)
	if err != nil {
		return s, h, fmt.Errorf("bench: %s: %w", path, err)
	}
	all := []contender{&ours{label: label(model), model: model}}
	defer func() { err = errors.Join(err, closeAll(all)) }()
	p, err := startPeer(ctx, python, "", setting{of: mlxLM, folder: path, label: "mlx-lm"}, log)
	if err != nil {
		return s, h, err
	}
	all = append(all, p)
	s.results, err = measure(ctx, all, w, limit, log)
	return s, p.hello, err
}

// milliseconds is what a token takes after the first.
func milliseconds(s sample) float64 { return 1e3 / s.decode() }

// shapesTable has two rows for each configuration, ours and the peer's, and how
// many times as fast ours is.
func shapesTable(all []shape) string {
	rows := [][]string{{"", "prefill, tokens/s", "ms a token", "tokens/s", "building a step, µs"}}
	for _, s := range all {
		for _, r := range s.results {
			rows = append(rows, []string{s.name + ", " + r.name, spread(r.of(sample.prefill)), spread(r.of(milliseconds)),
				spread(r.of(sample.decode)), spread(r.of(sample.build))})
		}
		mine, peer := s.results[0], s.results[1]
		ratio := func(of func(sample) float64) string {
			return fmt.Sprintf("**%.2f ×**", mine.of(of).median()/peer.of(of).median())
		}
		rows = append(rows, []string{"**" + s.name + "**", ratio(sample.prefill), ratio(milliseconds), ratio(sample.decode), ratio(sample.build)})
	}
	return markdown.Table(rows)
}

func shapesMarkdown(m machine, o shapesOptions, all []shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `go run ./bench shapes --prompt-tokens %d --tokens %d --runs %d`.\n\n",
		time.Now().Format(time.DateOnly), o.PromptTokens, o.Tokens, o.Runs)
	for _, l := range m.lines() {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n%s\nMedian (least–most) of %s in turns.", shapesTable(all), count(o.Runs, "run"))
	for _, s := range all {
		tokens, _ := agreement(s.results, goMLX, mlxLM)
		fmt.Fprintf(&b, " %s: the same %d of %d tokens.", s.name, tokens, o.Tokens)
	}
	return b.String()
}
