// Command mlx runs language models on MLX.
//
// Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"regexp"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// commands are the subcommands: one field each, one file each.
type commands struct {
	Generate   generateCmd   `cmd:"" help:"Generate text from a prompt."`
	Template   templateCmd   `cmd:"" help:"Show the prompt that a chat template makes of messages."`
	Tokenize   tokenizeCmd   `cmd:"" help:"Show the tokens of a text, or the text of tokens."`
	Info       infoCmd       `cmd:"" help:"Tell what a model is: parameters, precision, memory, limits, template, tokenizer."`
	Perplexity perplexityCmd `cmd:"" help:"Tell how well a model foretells a text."`
	Bench      benchCmd      `cmd:"" help:"Measure how fast a model reads and writes."`
	Pull       pullCmd       `cmd:"" help:"Download a model from the Hugging Face Hub, or what of it is missing."`
	List       listCmd       `cmd:"" help:"List the models that were downloaded."`
	Rm         rmCmd         `cmd:"" help:"Remove downloaded models."`
	Train      trainCmd      `cmd:"" help:"Fine-tune a model: LoRA, DoRA or all weights."`
	Convert    convertCmd    `cmd:"" help:"Quantise a model, or change its dtype, and save it as mlx-lm does."`
	Fuse       fuseCmd       `cmd:"" help:"Merge an adapter into a model's weights, and save it as mlx-lm does."`
	Setup      setupCmd      `cmd:"" help:"Install MLX's native libraries."`
	Doctor     doctorCmd     `cmd:"" help:"Tell what was found and loaded, and what would be tried next."`
	Version    versionCmd    `cmd:"" help:"Print versions."`
	Completion completionCmd `cmd:"" help:"Print a script with which a shell completes commands and flags."`
}

// console is where a command reads and writes.
type console struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
	err io.Writer
}

// silent is the console without progress, if it is to be quiet.
func (c *console) silent(quiet bool) *console {
	if !quiet {
		return c
	}
	return &console{ctx: c.ctx, in: c.in, out: c.out, err: io.Discard}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	code := run(&console{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run parses the arguments and runs a command.
func run(c *console, args []string) int {
	exited := -1
	parser, err := newParser(called(args), kong.Writers(c.out, c.err), kong.Exit(func(code int) { exited = code }), kong.Bind(c))
	if err != nil {
		fmt.Fprintf(c.err, "mlx: %v\n", err)
		return exitFailed
	}
	ctx, err := parser.Parse(withNegatives(args))
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		fmt.Fprintf(c.err, "mlx: %v; see %s --help\n", err, command(err))
		return exitUsage
	}
	switch err := ctx.Run(); {
	case err == nil:
		return 0
	case c.ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(c.err, "mlx: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(c.err, "mlx: %v\n", err)
		return exitFailed
	}
}

// negative is a number below zero.
var negative = regexp.MustCompile(`^-\d+(\.\d+)?$`)

// withNegatives joins "--num-layers -1" to "--num-layers=-1", as which kong takes it:
// no flag here has a number for its name.
func withNegatives(args []string) []string {
	var out []string
	for i, arg := range args {
		if i > 0 && negative.MatchString(arg) && strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=") && args[i-1] != "--" {
			out[len(out)-1] += "=" + arg
			continue
		}
		out = append(out, arg)
	}
	return out
}

// called is what of the commands the parser is to know: the one that the first argument
// names, or all. To describe them all to it takes some milliseconds of every start.
func called(args []string) any {
	all := reflect.TypeFor[commands]()
	if len(args) == 0 || args[0] == "completion" { // which tells of all
		return &commands{}
	}
	for i := range all.NumField() {
		if f := all.Field(i); strings.ToLower(f.Name) == args[0] {
			return reflect.New(reflect.StructOf([]reflect.StructField{f})).Interface()
		}
	}
	return &commands{}
}

// newParser makes the parser of the command line.
func newParser(grammar any, opts ...kong.Option) (*kong.Kong, error) {
	opts = append(opts, kong.Name("mlx"), kong.Description("Language models on MLX: Metal, CUDA and the CPU."),
		kong.Configuration(yamlConfig))
	return kong.New(grammar, opts...)
}

// command is the command that was called wrongly, as far as it is known.
func command(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil {
		if node := p.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "mlx"
}
