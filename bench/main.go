// Command bench measures go-mlx beside Python mlx-lm and llama.cpp, in one run, on the
// same weights and the same prompt: prefill, decode and building the graph of a
// decoding step. `bench shapes` does it for models of random weights, `bench train`
// measures training, `bench ops` what single operations cost beside C and Python,
// `bench kernels` products beside reading memory, and `bench start` how long the first
// word takes. They print a table and write it to docs/benchmarks.md with the machine's description.
//
// What it needs beyond Go it fetches once: the model, and a Python environment
// with mlx-lm and one with llama.cpp in the user cache folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
)

// options are the command line.
type options struct {
	Model        string        `default:"smollm2" help:"The pinned model to run, gemma3-270m, or a GGUF file."`
	Peer         string        `type:"path" placeholder:"DIR" help:"Python environment with mlx-lm, not one of its own."`
	Llama        string        `type:"path" placeholder:"DIR" help:"Python environment with llama-cpp-python, not one of its own."`
	PromptTokens int           `default:"512" help:"Length of the prompt."`
	Tokens       int           `default:"64" help:"Tokens to generate in a run."`
	Runs         int           `default:"5" help:"Runs of each setting, in turns."`
	Builds       int           `default:"16" help:"Graphs of a step to build in a run."`
	Limit        time.Duration `default:"5m" help:"A setting whose run takes longer gets shorter and fewer runs."`
	Quick        bool          `help:"Short runs, to look at; nothing is written unless --out is given."`
	Out          string        `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`

	file string // of the model
}

// quick is what --quick measures.
var quick = options{PromptTokens: 64, Tokens: 16, Runs: 3, Builds: 8, Limit: time.Minute}

// commands are what the program can measure.
type commands struct {
	Model   options        `cmd:"" default:"withargs" help:"A model's prefill, decode and building of a step, beside mlx-lm. The default."`
	Ops     opsOptions     `cmd:"" help:"What an operation costs in Go, in C and in Python."`
	Shapes  shapesOptions  `cmd:"" help:"Models of random weights by their config.json, beside mlx-lm."`
	Train   trainOptions   `cmd:"" help:"Training, beside mlx-lm's tuner."`
	Start   startOptions   `cmd:"" help:"The time from starting mlx to its first word, and its parts."`
	Kernels kernelsOptions `cmd:"" help:"Products with weights beyond the cache, beside reading memory."`
	Serve   serveOptions   `cmd:"" hidden:""`
	Parts   partsOptions   `cmd:"" hidden:""`
}

func main() {
	var c commands
	k := kong.Parse(&c, kong.Name("bench"), kong.Description("Measures go-mlx beside what it is compared with."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch command, _, _ := strings.Cut(k.Command(), " "); command {
	case "ops":
		err = runOps(ctx, c.Ops, os.Stdout, os.Stderr)
	case "shapes":
		err = runShapes(ctx, c.Shapes, os.Stdout, os.Stderr)
	case "train":
		err = runTrain(ctx, c.Train, os.Stdout, os.Stderr)
	case "kernels":
		err = runKernels(ctx, c.Kernels, os.Stdout, os.Stderr)
	case "start":
		err = runStart(ctx, c.Start, os.Stdout, os.Stderr)
	case "parts":
		err = runParts(ctx, c.Parts, os.Stdout)
	case "serve":
		err = runServe(ctx, c.Serve, os.Stdin, os.Stdout)
	default:
		err = run(ctx, c.Model, os.Stdout, os.Stderr)
	}
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
	case interrupted:
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures and reports: the table goes to out, progress to log.
func run(ctx context.Context, o options, out, log io.Writer) (err error) {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if err := o.complete(root); err != nil {
		return err
	}
	ids, err := readPrompt(filepath.Join(root, "models", "testdata", "smollm2.json"))
	if err != nil {
		return err
	}
	if o.file, err = modelPath(ctx, o.Model, log); err != nil {
		return err
	}
	all, machine, err := contenders(ctx, o, root, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(all)) }()
	results, err := measure(ctx, all, o.workload(ids), o.Limit, log)
	if err != nil {
		return err
	}
	info, err := os.Stat(o.file)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	r := report{machine: machine, options: o, results: results, date: time.Now(), size: info.Size()}
	if _, err := io.WriteString(out, r.text()); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if o.Out == "" {
		return nil
	}
	if err := r.drawBeside(o.Out); err != nil {
		return err
	}
	return markdown.Rewrite(o.Out, "bench "+r.section(), "make bench", r.markdown())
}

// complete fills in what depends on other options, and checks the sizes.
func (o *options) complete(root string) error {
	if o.Quick {
		o.PromptTokens, o.Tokens, o.Builds = quick.PromptTokens, quick.Tokens, quick.Builds
		o.Runs, o.Limit = quick.Runs, quick.Limit
	} else if o.Out == "" {
		o.Out = document(root)
	}
	if o.PromptTokens < minPrompt || o.Tokens < minTokens || o.Runs < 1 || o.Builds < 1 {
		const want = "bench: want at least %d tokens of prompt, %d to generate, one run and one build"
		return fmt.Errorf(want, minPrompt, minTokens)
	}
	return nil
}

// document is where the figures go.
func document(root string) string { return filepath.Join(root, "docs", "benchmarks.md") }

// moduleRoot is the folder of go.mod: the one that the program is run in, or
// one above it.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("bench: %s is not inside the module's checkout", dir)
		}
	}
}
