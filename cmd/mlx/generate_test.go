package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

// The texts that Python mlx-lm 0.32.2 gives, greedily, for the same weights in
// float32, and the tokens that it counts.
const (
	parisPrompt = "What is the capital of France?"
	paris       = "The capital of France is Paris."
	parisIn     = 37
	parisOut    = 8 // the end-of-text token is one

	pirate = "Aye, me name be Captain Blackwood,"

	rawPrompt = "The capital of France is"
	raw       = " Paris.\n\nThe answer is: 201" // mlx-lm drops the leading space, which the model wrote
)

// ask runs generate with the small model and requires that nothing is left open.
func ask(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	leaktest.Check(t)
	o := call(t, stdin, append([]string{"generate", "--model", testmodels.RequireSmolLM2(t)}, args...)...)
	require.Equal(t, 0, o.code, o.err)
	return o
}

func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"chat", "", []string{"--prompt", parisPrompt}, paris},
		{"from standard input", parisPrompt + "\n", []string{"-p", "-", "--max-tokens=3"}, "The capital of"},
		{"with a system message", "",
			[]string{"-p", "Who are you?", "--system=You are a pirate.", "--max-tokens=10"}, pirate},
		{"raw", "", []string{"-p", rawPrompt, "--raw", "--max-tokens=12"}, raw},
		{"one likeliest token is greedy", "", []string{"-p", parisPrompt, "--temp=1", "--top-k=1", "--max-tokens=3"},
			"The capital of"},
		{"nothing to generate", "", []string{"-p", parisPrompt, "--max-tokens=0"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := ask(t, c.stdin, c.args...)
			require.Equal(t, c.want+"\n", o.out)
			require.Empty(t, o.err)
		})
	}
}

func TestGenerateByName(t *testing.T) {
	testmodels.RequireSmolLM2(t)
	leaktest.Check(t)
	o := call(t, "", "generate", "--model=smollm2", "-p", parisPrompt, "--max-tokens=3")
	require.Equal(t, outcome{0, "The capital of\n", ""}, o)
}

func TestStatsAreOnStandardErrorOnly(t *testing.T) {
	o := ask(t, "", "-p", parisPrompt, "--stats", "--max-tokens=3")
	require.Equal(t, "The capital of\n", o.out)
	require.Regexp(t, regexp.MustCompile(`^prompt: 37 tokens, \d+\.\d tokens/s
generation: 3 tokens, \d+\.\d tokens/s
peak memory: \d+\.\d MB
$`), o.err)

	o = ask(t, "", "-p", parisPrompt, "--stats", "--json")
	require.Equal(t, paris+"\n", o.out)
	var stats map[string]float64
	require.NoError(t, json.Unmarshal([]byte(o.err), &stats))
	require.EqualValues(t, parisIn, stats["prompt_tokens"])
	require.EqualValues(t, parisOut, stats["generation_tokens"])
	require.Positive(t, stats["prompt_tps"])
	require.Positive(t, stats["generation_tps"])
	require.Greater(t, stats["peak_memory"], 100e6, "the weights alone are more")
}

func TestSeedDecidesWhatIsDrawn(t *testing.T) {
	text := func(seed string) string {
		return ask(t, "", "-p", "Tell me a story.", "--temp=1.5", "--max-tokens=6", "--seed", seed).out
	}
	first := text("7")
	require.Equal(t, first, text("7"))
	require.NotEqual(t, first, text("8"))
}

func TestIgnoreEOSGoesOn(t *testing.T) {
	o := ask(t, "", "-p", parisPrompt, "--ignore-eos", "--max-tokens=12", "--stats", "--json")
	require.True(t, strings.HasPrefix(o.out, paris), o.out)
	require.Contains(t, o.err, `"generation_tokens":12`)
}

func TestModelsThatCannotBeLoaded(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o644))
		return path
	}
	whole, err := os.ReadFile(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.Mkdir(empty, 0o755))
	for _, c := range []struct {
		name, model string
		want        []string
	}{
		{"not there", filepath.Join(dir, "gone.gguf"), []string{"gone.gguf", "there is no model"}},
		{"no such name", "gpt-17", []string{"there is no model gpt-17", "smollm2"}},
		{"empty folder", empty, []string{empty, "config.json"}},
		{"no model at all", file("notes.txt", []byte("x")), []string{"notes.txt", "neither a folder nor a .gguf file"}},
		{"empty file", file("empty.gguf", nil), []string{"empty.gguf"}},
		{"not GGUF", file("html.gguf", []byte("<html>404 not found</html>")), []string{"html.gguf"}},
		{"truncated", file("truncated.gguf", whole[:len(whole)-1000]), []string{"truncated.gguf"}},
		{"truncated header", file("header.gguf", whole[:1000]), []string{"header.gguf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaktest.Check(t)
			o := call(t, "", "generate", "--model", c.model, "-p", "x")
			requireSentence(t, o, exitFailed, c.want...)
		})
	}
}

func TestPromptsThatAreNone(t *testing.T) {
	leaktest.Check(t)
	model := testmodels.RequireSmolLM2(t)
	for name, stdin := range map[string]string{"empty": "", "one line feed": "\n"} {
		t.Run(name, func(t *testing.T) {
			o := call(t, stdin, "generate", "--model", model, "--raw", "-p", "-")
			require.Equal(t, exitFailed, o.code)
			require.Equal(t, "mlx: generate: the prompt has no tokens\n", o.err)
			require.Empty(t, strings.TrimSpace(o.out))
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		o := callIn(t, t.Context(), failing{}, "generate", "--model", model, "-p", "-")
		requireSentence(t, o, exitFailed, "reading the prompt: the cable is loose")
	})
}

// failing fails at every use.
type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errors.New("the cable is loose") }
func (failing) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAnswerThatCannotBeWritten(t *testing.T) {
	leaktest.Check(t)
	var err strings.Builder
	c := &console{ctx: t.Context(), in: strings.NewReader(""), out: failing{}, err: &err}
	code := run(c, []string{"generate", "--model", testmodels.RequireSmolLM2(t), "-p", parisPrompt})
	require.Equal(t, exitFailed, code)
	require.Equal(t, "mlx: writing the answer: the disk is full\n", err.String())
}

// A cache of 8 bits gives the text of a plain one; one of a few tokens has
// forgotten the question.
func TestCacheFlags(t *testing.T) {
	o := ask(t, "", "-p", parisPrompt, "--kv-bits=8", "--quantized-kv-start=0")
	require.Equal(t, paris+"\n", o.out)
	o = ask(t, "", "-p", parisPrompt, "--max-kv-size=8", "--max-tokens=8")
	require.NotContains(t, o.out, "Paris")
}

// An adapter that is not there, or is for another model, is an error that names it.
func TestGenerateRefusesAdapters(t *testing.T) {
	empty := t.TempDir()
	nowhere := filepath.Join(empty, "nowhere")
	for dir, want := range map[string]string{nowhere: nowhere + ": no such file", empty: filepath.Join(empty, "adapter_config.json")} {
		o := call(t, "", "generate", "--model", "smollm2", "--prompt", "x", "--adapter-path", dir)
		require.Equal(t, exitFailed, o.code)
		require.Contains(t, o.err, want)
	}
}
