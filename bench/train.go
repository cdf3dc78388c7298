package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/train"
)

// trainOptions are the command line of `bench train`.
type trainOptions struct {
	Configs []string `arg:"" optional:"" type:"existingfile" name:"config.json" help:"Configurations to train LoRA on with random weights, instead of SmolLM2 and a small model."`
	Peer    string   `type:"path" placeholder:"DIR" help:"Python environment with mlx-lm, not one of its own."`
	Batch   int      `default:"4" help:"Rows of a batch."`
	Length  int      `default:"512" help:"Tokens of a row."`
	Rank    int      `default:"8" help:"Of LoRA, on all layers."`
	Iters   int      `default:"10" help:"Iterations to measure in a run, after as many that warm up."`
	Runs    int      `default:"3" help:"Runs of each side, in turns."`
	Full    bool     `help:"Train all weights of the layers, not LoRA."`
	Quick   bool     `help:"Short runs, to look at; nothing is written unless --out is given."`
	Out     string   `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`
}

//go:embed trainpeer.py
var trainScript string

// training is one thing that is measured on both sides.
type training struct {
	name   string
	model  string // the peer's: a folder, or a config.json
	full   bool
	load   func(ctx context.Context) (*models.Model, error)
	work   trainWork
	sides  [2]string // names of ours and the peer's
	result [2][]trained
}

// trainWork is what one run does.
type trainWork struct {
	Tokens [][]int32 `json:"tokens"` // B rows of L+1
	Iters  int       `json:"iters"`

	rank int
}

// trained is what one run came to.
type trained struct {
	Rate float64 `json:"tokens_per_second"`
	Loss float64 `json:"loss"` // of the iterations that warm up, which begin with equal weights in the first run
	Peak int64   `json:"peak"` // bytes of MLX's arrays
}

func (t trained) String() string {
	return fmt.Sprintf("%s tokens/s, %s GB, loss %.4f", figure(t.Rate), figure(float64(t.Peak)/1e9), t.Loss)
}

// trainee is a side that trains.
type trainee interface {
	train(ctx context.Context, w trainWork) (trained, error)
	close() error
}

// runTrain measures training beside mlx-lm's tuner, on the same rows.
func runTrain(ctx context.Context, o trainOptions, out, log io.Writer) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if o.Batch < 1 || o.Length < 2 || o.Rank < 1 || o.Iters < 1 || o.Runs < 1 {
		return errors.New("bench: want at least one row, two tokens, a rank, an iteration and a run")
	}
	if err := train.LimitAhead(); err != nil { // as mlx train does, before MLX is asked for its device
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
	all, err := o.trainings(ctx, root, python, m.gpu != "", log)
	if err != nil {
		return err
	}
	for i := range all {
		if m.peer, err = all[i].measure(ctx, python, o.Runs, log); err != nil {
			return fmt.Errorf("bench: %s: %w", all[i].name, err)
		}
		fmt.Fprint(out, trainTable(all[:i+1]))
	}
	switch {
	case o.Out == "" && o.Quick:
		return nil
	case o.Out == "":
		o.Out = document(root)
	}
	section := "bench " + m.section() + " train"
	return markdown.Rewrite(o.Out, section, "make bench", trainMarkdown(m, o, all))
}

// trainings lists what is measured: LoRA of the configurations, or of SmolLM2 and all
// weights of a small model.
func (o *trainOptions) trainings(ctx context.Context, root, python string, gpu bool, log io.Writer) ([]training, error) {
	if len(o.Configs) > 0 {
		var all []training
		for _, path := range o.Configs {
			t, err := o.ofConfig(path, o.Full)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		return all, nil
	}
	if !gpu { // mlx-lm takes minutes for a row
		o.Batch, o.Length, o.Iters = 1, 64, 1
	}
	if o.Quick {
		o.Batch, o.Length, o.Iters, o.Runs = 1, 32, 1, 1
	}
	gguf, err := modelPath(ctx, smollm2, log)
	if err != nil {
		return nil, err
	}
	folder, err := converted(ctx, python, root, gguf, log)
	if err != nil {
		return nil, err
	}
	smol := training{
		name: "SmolLM2-135M, LoRA, " + o.size(), model: filepath.Join(folder, "f32"),
		load: func(ctx context.Context) (*models.Model, error) {
			return models.Load(ctx, gguf, models.WithWeights(models.Dense))
		},
		work: o.work(smallVocabulary),
	}
	o.Batch *= 4 // it is many times as fast
	small, err := o.ofConfig(filepath.Join(root, "bench", "testdata", "small.json"), true)
	return []training{smol, small}, err
}

// ofConfig is the training of a model of random weights.
func (o *trainOptions) ofConfig(path string, full bool) (training, error) {
	config, err := os.ReadFile(path)
	if err != nil {
		return training{}, fmt.Errorf("bench: %w", err)
	}
	method, opts := ", LoRA", []models.Option(nil) // what stays as it is needs no other form
	if full {
		method, opts = ", all weights", []models.Option{models.WithTraining()}
	}
	return training{
		name: strings.TrimSuffix(filepath.Base(path), ".json") + method + ", " + o.size(), model: path, full: full,
		load: func(ctx context.Context) (*models.Model, error) { return models.New(ctx, config, opts...) },
		work: o.work(smallVocabulary),
	}, nil
}

// size is that of the batches, in rows and tokens.
func (o *trainOptions) size() string { return fmt.Sprintf("%d × %d", o.Batch, o.Length) }

// work makes rows of numbers below vocab, which follow each other by a rule.
func (o *trainOptions) work(vocab int) trainWork {
	w := trainWork{Iters: o.Iters, rank: o.Rank}
	for b := range o.Batch {
		row := make([]int32, o.Length+1)
		for l := range row {
			row[l] = int32((l*l*31 + 17*l + 101*b) % vocab)
		}
		w.Tokens = append(w.Tokens, row)
	}
	return w
}

// measure lets both sides train in turns.
func (t *training) measure(ctx context.Context, python string, runs int, log io.Writer) (h hello, err error) {
	fmt.Fprintf(log, "%s: loading the model into go-mlx\n", t.name)
	mine, err := t.open(ctx)
	if err != nil {
		return h, err
	}
	t.sides = [2]string{label(mine.model), "mlx-lm"}
	method := "lora"
	if t.full {
		method = "full"
	}
	peer, err := startScript(ctx, python, trainScript, setting{label: "mlx-lm"}, log, t.model, method, strconv.Itoa(t.work.rank))
	if err != nil {
		return h, errors.Join(err, mine.close())
	}
	sides := [2]trainee{mine, peer}
	defer func() { err = errors.Join(err, mine.close(), peer.close()) }()
	for n := range runs {
		for i, side := range sides {
			fmt.Fprintf(log, "run %d of %d: %s: ", n+1, runs, t.sides[i])
			r, err := side.train(ctx, t.work)
			if err != nil {
				fmt.Fprintln(log)
				return h, fmt.Errorf("%s: %w", t.sides[i], err)
			}
			t.result[i] = append(t.result[i], r)
			fmt.Fprintln(log, r)
		}
	}
	return peer.hello, nil
}

// train implements trainee.
func (p *peer) train(_ context.Context, w trainWork) (r trained, err error) {
	return r, p.ask(w, &r)
}

// of collects one figure of a side's runs.
func (t *training) of(side int, figure func(trained) float64) series {
	var all series
	for _, r := range t.result[side] {
		all = append(all, figure(r))
	}
	return all
}

func rate(r trained) float64      { return r.Rate }
func gigabytes(r trained) float64 { return float64(r.Peak) / 1e9 }

// trainTable has two rows for each training, ours and the peer's, and what ours is
// times the peer's.
func trainTable(all []training) string {
	rows := [][]string{{"", "tokens/s", "peak memory, GB"}}
	for _, t := range all {
		for side := range t.sides {
			rows = append(rows, []string{t.name + ": " + t.sides[side], spread(t.of(side, rate)), spread(t.of(side, gigabytes))})
		}
		ratio := func(of func(trained) float64) string {
			return fmt.Sprintf("**%.2f ×**", t.of(0, of).median()/t.of(1, of).median())
		}
		rows = append(rows, []string{"**" + t.name + "**", ratio(rate), ratio(gigabytes)})
	}
	return markdown.Table(rows)
}

func trainMarkdown(m machine, o trainOptions, all []training) string {
	var b strings.Builder
	command := fmt.Sprintf("go run ./bench train --runs %d", o.Runs)
	for _, path := range o.Configs {
		command += " " + filepath.Base(path)
	}
	fmt.Fprintf(&b, "Measured on %s with `%s`.\n\n", time.Now().Format(time.DateOnly), command)
	for _, l := range m.lines() {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n%s\nMedian (least–most) of %s in turns, each of %s after as many that warm up: Adam, LoRA of rank %d on all layers.",
		trainTable(all), count(o.Runs, "run"), count(o.Iters, "iteration"), o.Rank)
	for _, t := range all {
		fmt.Fprintf(&b, " %s began with a loss of %.4f here and %.4f there.", t.name, t.result[0][0].Loss, t.result[1][0].Loss)
	}
	return b.String()
}
