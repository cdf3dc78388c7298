package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/native"
)

// beMLX makes this test program the command itself.
const beMLX = "GO_MLX_TEST_BE_MLX"

func TestMain(m *testing.M) {
	if os.Getenv(beMLX) != "" {
		main()
	}
	leaktest.Main(m)
}

// program is the command as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return programIn(t, t.Context(), args...)
}

func programIn(t *testing.T, ctx context.Context, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = append(os.Environ(), beMLX+"=1")
	return cmd
}

// outcome is what a user sees of a command.
type outcome struct {
	code     int
	out, err string
}

// call runs a command in this process.
func call(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return callIn(t, t.Context(), strings.NewReader(stdin), args...)
}

func callIn(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	code := run(&console{ctx: ctx, in: stdin, out: &out, err: &err}, args)
	return outcome{code, out.String(), err.String()}
}

// requireSentence requires that a command failed with one line on standard
// error and nothing on standard output.
func requireSentence(t *testing.T, o outcome, code int, parts ...string) {
	t.Helper()
	require.Equal(t, code, o.code, o.err)
	require.Empty(t, o.out)
	require.True(t, strings.HasPrefix(o.err, "mlx: "), o.err)
	require.Equal(t, 1, strings.Count(o.err, "\n"), o.err)
	for _, p := range parts {
		require.Contains(t, o.err, p)
	}
}

func TestWrongUse(t *testing.T) {
	generate := []string{"generate", "--model=smollm2", "--prompt=x"}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no command", nil, []string{`expected one of "generate", "template", "tokenize", "info", `, "see mlx --help"}},
		{"unknown command", []string{"chant"}, []string{"unexpected argument chant", "see mlx --help"}},
		{"unknown flag", []string{"generate", "--modell=x"}, []string{"unknown flag --modell", `"--model"`,
			"see mlx generate --help"}},
		{"no model", []string{"generate", "--prompt=x"}, []string{"--model", "see mlx generate --help"}},
		{"no prompt", []string{"generate", "--model=x"}, []string{"--prompt", "see mlx generate --help"}},
		{"no value", []string{"generate", "--model=smollm2", "--prompt"}, []string{"--prompt"}},
		{"no number", append(generate, "--temp=warm"), []string{"--temp", `"warm"`}},
		{"cold", append(generate, "--temp=-0.5"), []string{"--temp=-0.5 is not 0 or more"}},
		{"infinitely hot", append(generate, "--temp=inf"), []string{"--temp=+Inf is not 0 or more"}},
		{"no temperature", append(generate, "--temp=nan"), []string{"--temp=NaN is not 0 or more"}},
		{"top-p above 1", append(generate, "--top-p=1.5"), []string{"--top-p=1.5 is not between 0 and 1"}},
		{"top-p below 0", append(generate, "--top-p=-1"), []string{"--top-p=-1 is not between 0 and 1"}},
		{"top-p NaN", append(generate, "--top-p=nan"), []string{"--top-p=NaN"}},
		{"min-p above 1", append(generate, "--min-p=2"), []string{"--min-p=2 is not between 0 and 1"}},
		{"top-k below 0", append(generate, "--top-k=-1"), []string{"--top-k=-1 is negative"}},
		{"top-k no integer", append(generate, "--top-k=1.5"), []string{"--top-k", `"1.5"`}},
		{"cache size below 0", append(generate, "--max-kv-size=-1"), []string{"--max-kv-size=-1 is negative"}},
		{"cache of 7 bits", append(generate, "--kv-bits=7"), []string{"--kv-bits=7 is not 0, 2, 3, 4, 5, 6 or 8"}},
		{"cache in no groups", append(generate, "--kv-group-size=0"), []string{"--kv-group-size=0 is not 32, 64 or 128"}},
		{"cache in odd groups", append(generate, "--kv-group-size=48"), []string{"--kv-group-size=48 is not 32, 64 or 128"}},
		{"quantised before it begins", append(generate, "--quantized-kv-start=-1"), []string{"--quantized-kv-start=-1 is negative"}},
		{"seed below 0", append(generate, "--seed=-1"), []string{"--seed"}},
		{"a negative number", append(generate, "--temp", "-0.5"), []string{"--temp=-0.5 is not 0 or more"}},
		{"weights", append(generate, "--weights=zipped"), []string{"--weights", `"packed"`, `"zipped"`}},
		{"dtype", append(generate, "--dtype=int8"), []string{"--dtype", `"bfloat16"`, `"int8"`}},
		{"raw with system", append(generate, "--raw", "--system=x"), []string{"--system needs the chat template"}},
		{"json alone", append(generate, "--json"), []string{"--json is the form of --stats"}},
		{"train on nothing", []string{"train", "--model=x"}, []string{"--data", "see mlx train --help"}},
		{"train for no time", []string{"train", "--model=x", "--data=x", "--iters=0"}, []string{"--iters=0 is not 1 or more"}},
		{"train in no way", []string{"train", "--model=x", "--data=x", "--fine-tune-type=magic"}, []string{"--fine-tune-type", `"dora"`, `"magic"`}},
		{"neither train nor test", []string{"train", "--model=x", "--data=x", "--no-train"}, []string{"neither to train nor to --test"}},
		{"two masks", []string{"train", "--model=x", "--data=x", "--mask-prompt", "--assistant-only"}, []string{"--mask-prompt", "--assistant-only"}},
		{"all dropped", []string{"train", "--model=x", "--data=x", "--dropout=1"}, []string{"--dropout=1 is not 0 or more and below 1"}},
		{"train over a wire", []string{"train", "--model=x", "--data=x", "--distributed=wire"}, []string{"--distributed", `"ring"`, `"wire"`}},
		{"report in no form", []string{"train", "--model=x", "--data=x", "--report=x.pdf"}, []string{"--report=", "x.pdf is none of .html, .svg, .png"}},
		{"pull nothing", []string{"pull"}, []string{"<model>", "see mlx pull --help"}},
		{"pull no name", []string{"pull", "../x"}, []string{`"../x" is no name of a model`, "see mlx pull --help"}},
		{"two files", []string{"pull", "org/name:a.gguf", "--file=b.gguf"}, []string{"exclude each other"}},
		{"no workers", []string{"pull", "org/name", "--workers=0"}, []string{"--workers=0 is not 1 or more"}},
		{"rm a file", []string{"rm", "org/name:x.gguf"}, []string{"a snapshot is removed whole"}},
		{"fuse nothing", []string{"fuse", "--adapter-path=."}, []string{"--model", "see mlx fuse --help"}},
		{"fuse into no GGUF", []string{"fuse", "--model=.", "--adapter-path=.", "--export-gguf", "--gguf-path=x.bin"}, []string{"--gguf-path must end in .gguf"}},
		{"fuse without GGUF", []string{"fuse", "--model=.", "--adapter-path=.", "--outtype=q8_0"}, []string{"go with --export-gguf"}},
		{"fuse no folder", []string{"fuse", "--model=.", "--adapter-path=/no/such/folder"}, []string{"--adapter-path", "/no/such/folder"}},
		{"rm nothing", []string{"rm"}, []string{"<model>", "see mlx rm --help"}},
		{"backend", []string{"setup", "--backend=rocm"}, []string{"--backend", `"cuda12"`, `"rocm"`,
			"see mlx setup --help"}},
		{"mlx-root", []string{"setup", "--mlx-root=/no/such/folder"}, []string{"/no/such/folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			requireSentence(t, call(t, "", c.args...), exitUsage, c.want...)
		})
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"generate", "setup", "doctor", "version"}},
		{[]string{"generate", "--help"}, []string{"--model", "--prompt", "--max-tokens", "--temp", "--top-p", "--top-k",
			"--min-p", "--seed", "--system", "--raw", "--stats", "--max-kv-size", "--kv-bits", "--kv-group-size", "--quantized-kv-start"}},
		{[]string{"setup", "--help"}, []string{"--backend", "--prefix", "--mlx-root", "--mlx-c-source", "--force"}},
	} {
		o := call(t, "", c.args...)
		require.Equal(t, 0, o.code)
		require.Empty(t, o.err)
		for _, w := range c.want {
			require.Contains(t, o.out, w)
		}
	}
}

func TestVersion(t *testing.T) {
	o := call(t, "", "version")
	require.Equal(t, 0, o.code)
	require.Empty(t, o.err)
	require.Regexp(t, `^mlx \S+, for MLX `+native.MLXVersion+` and mlx-c `+native.MLXCVersion+`\n$`, o.out)
}

func TestVersionJSON(t *testing.T) {
	o := call(t, "", "version", "--json")
	require.Equal(t, 0, o.code, o.err)
	require.Regexp(t, `^\{"mlx":"`+native.MLXVersion+`","mlx_c":"`+native.MLXCVersion+`","version":"\S+"\}\n$`, o.out)
}

// TestProcess goes through main itself: exit codes and the streams.
func TestProcess(t *testing.T) {
	cmd := program(t, "version")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "for MLX "+native.MLXVersion)

	cmd = program(t, "generate")
	out, err = cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 2, exit.ExitCode())
	require.Empty(t, out)
	require.Contains(t, string(exit.Stderr), "see mlx generate --help")
}

// The parser of the one command that is called says what that of all would say.
func TestCalledParsesAsAllDo(t *testing.T) {
	all, err := newParser(&commands{})
	require.NoError(t, err)
	for _, node := range all.Model.Leaves(true) {
		for _, args := range [][]string{{"--help"}, {}, {"--nonsense"}, {"--mod"}, {"one", "two", "three"}, {"--", "--help"}} {
			args = append([]string{node.Name}, args...)
			require.Equal(t, parsed(t, &commands{}, args), parsed(t, called(args), args), "%q", args)
		}
	}
	require.IsType(t, &commands{}, called([]string{"--help"}))
	require.IsType(t, &commands{}, called([]string{"nonsense"}))
	require.NotContains(t, parsed(t, called([]string{"list"}), []string{"generate"}), "--prompt", "it knows no other")
}

// parsed is what a parser says of arguments.
func parsed(t *testing.T, grammar any, args []string) string {
	t.Helper()
	var said bytes.Buffer
	parser, err := newParser(grammar, kong.Writers(&said, &said), kong.Exit(func(code int) { fmt.Fprintln(&said, "exit", code) }))
	require.NoError(t, err)
	if _, err = parser.Parse(args); err != nil {
		fmt.Fprintln(&said, err, command(err))
	}
	return said.String()
}
