package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"runtime/debug"
	"strings"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/hub"
	"forge.lthn.ai/core/go-mlx/templates"
)

type generateCmd struct {
	Model     string  `required:"" short:"m" help:"A model folder, a .gguf file, a name of the Hugging Face Hub (org/name), or smollm2 for the small default model."`
	Adapter   string  `name:"adapter-path" type:"path" placeholder:"DIR" help:"A LoRA or DoRA adapter, of mlx-lm or PEFT, to run on top."`
	Prompt    string  `required:"" short:"p" help:"The prompt; - reads it from standard input."`
	System    string  `help:"A system message."`
	Raw       bool    `help:"Continue the prompt as it is, without the chat template."`
	MaxTokens int     `default:"256" help:"Generate at most so many tokens; a negative number is no bound."`
	Temp      float64 `default:"0" help:"Temperature; 0 always takes the likeliest token."`
	TopP      float64 `name:"top-p" default:"1" help:"Sample from the likeliest tokens that together have this probability."`
	TopK      int     `name:"top-k" default:"0" help:"Sample from this many of the likeliest tokens; 0 is all."`
	MinP      float64 `name:"min-p" default:"0" help:"Sample from tokens at least so likely in proportion to the likeliest."`
	Seed      uint64  `default:"0" help:"Seed of the sampling."`
	MaxKV     int     `name:"max-kv-size" default:"0" help:"Remember at most so many tokens, the first few and the last ones; 0 is no bound."`
	KVBits    int     `name:"kv-bits" default:"0" help:"Quantise what is remembered to so many bits a number (2, 3, 4, 5, 6, 8); 0 does not."`
	KVGroup   int     `name:"kv-group-size" default:"64" help:"How many of the quantised numbers share a scale (32, 64, 128)."`
	KVStart   int     `name:"quantized-kv-start" default:"5000" help:"Quantise once so many tokens were seen."`
	IgnoreEOS bool    `name:"ignore-eos" help:"Go on past end-of-text tokens."`
	Stats     bool    `help:"Print speed and memory on standard error."`
	JSON      bool    `help:"With --stats, print them as one line of JSON."`
	Quiet     bool    `short:"q" help:"Show no progress of downloading and loading."`
	weightFlags
}

// Validate refuses values that no generation takes, before a model is loaded.
func (g *generateCmd) Validate() error {
	switch {
	case !(g.Temp >= 0) || math.IsInf(g.Temp, 0):
		return fmt.Errorf("--temp=%v is not 0 or more", g.Temp)
	case !(g.TopP >= 0 && g.TopP <= 1):
		return fmt.Errorf("--top-p=%v is not between 0 and 1", g.TopP)
	case !(g.MinP >= 0 && g.MinP <= 1):
		return fmt.Errorf("--min-p=%v is not between 0 and 1", g.MinP)
	case g.TopK < 0:
		return fmt.Errorf("--top-k=%d is negative", g.TopK)
	case g.MaxKV < 0:
		return fmt.Errorf("--max-kv-size=%d is negative", g.MaxKV)
	case g.KVStart < 0:
		return fmt.Errorf("--quantized-kv-start=%d is negative", g.KVStart)
	case cache.Check(cache.WithBits(g.KVBits, 0)) != nil:
		return fmt.Errorf("--kv-bits=%d is not 0, 2, 3, 4, 5, 6 or 8", g.KVBits)
	case g.KVGroup == 0 || cache.Check(cache.WithBits(0, g.KVGroup)) != nil:
		return fmt.Errorf("--kv-group-size=%d is not 32, 64 or 128", g.KVGroup)
	case g.Raw && g.System != "":
		return errors.New("--system needs the chat template, which --raw leaves out")
	case g.JSON && !g.Stats:
		return errors.New("--json is the form of --stats: give both")
	}
	return nil
}

// Run loads the model and streams its answer.
func (g *generateCmd) Run(c *console) error {
	defer fewCollections()()
	prompt, err := g.readPrompt(c)
	if err != nil {
		return err
	}
	path, err := modelPath(c.silent(g.Quiet), g.Model)
	if err != nil {
		return err
	}
	opts := g.options()
	if g.Adapter != "" {
		opts = append(opts, models.WithAdapter(g.Adapter))
	}
	m, err := loadModel(c.silent(g.Quiet), path, opts...)
	if err != nil {
		return err
	}
	defer m.Close()
	stats, err := write(c.out, g.stream(c, m, prompt))
	if err != nil {
		return err
	}
	if g.Stats {
		return g.printStats(c.err, stats)
	}
	return nil
}

// fewCollections lets the heap grow to 16 MB before the first collection, unless the user
// says GOGC: a vocabulary takes less, and three collections would take a part of the time
// until the first word.
func fewCollections() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(before) }
}

// readPrompt is the prompt, or standard input for "-".
func (g *generateCmd) readPrompt(c *console) (string, error) {
	if g.Prompt != "-" {
		return g.Prompt, nil
	}
	text, err := readInput(c, "-")
	if err != nil {
		return "", fmt.Errorf("reading the prompt: %w", err)
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}

// readInput reads a file, or standard input for "-". Nobody may come to type it:
// the context ends the waiting.
func readInput(c *console, path string) ([]byte, error) {
	if path != "-" {
		return os.ReadFile(path)
	}
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(c.in)
		read <- result{text, err}
	}()
	select {
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	case r := <-read:
		return r.text, r.err
	}
}

// modelPath is the path of a model: what was named, unless it is the name of a
// pinned model and no such file is there.
func modelPath(c *console, name string) (string, error) {
	_, err := os.Stat(name)
	if err == nil {
		return name, nil
	}
	if m, ok := fetch.FindModel(name); ok {
		return fetch.Model(c.ctx, m, c.err)
	}
	if hub.IsRef(name) {
		return hubModel(c, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no model %s: neither a folder nor a file, nor a name of the Hub (org/name), nor smollm2", name)
	}
	return "", err
}

func (g *generateCmd) stream(c *console, m *models.Model, prompt string) iter.Seq2[generate.Token, error] {
	opts := []generate.Option{
		generate.WithMaxTokens(g.MaxTokens),
		generate.WithSeed(g.Seed),
		generate.WithSampling(generate.Sampling{Temperature: g.Temp, TopP: g.TopP, TopK: g.TopK, MinP: g.MinP}),
	}
	opts = append(opts, generate.WithMaxKVSize(g.MaxKV), generate.WithKVBits(g.KVBits), generate.WithKVGroupSize(g.KVGroup),
		generate.WithQuantizedKVStart(g.KVStart))
	if g.IgnoreEOS {
		opts = append(opts, generate.WithoutStops())
	}
	if g.Raw {
		return m.Generate(c.ctx, prompt, opts...)
	}
	var chat templates.Chat
	if g.System != "" {
		chat.Messages = append(chat.Messages, templates.Message{Role: "system", Content: g.System})
	}
	chat.Messages = append(chat.Messages, templates.Message{Role: "user", Content: prompt})
	return m.Chat(c.ctx, chat, opts...)
}

// write streams the text to w, each piece as soon as it is there.
func write(w io.Writer, tokens iter.Seq2[generate.Token, error]) (*generate.Stats, error) {
	out := bufio.NewWriter(w)
	var stats *generate.Stats
	for tok, err := range tokens {
		if err != nil {
			fmt.Fprintln(out)
			out.Flush()
			return nil, err
		}
		out.WriteString(tok.Text)
		if err := out.Flush(); err != nil {
			return nil, fmt.Errorf("writing the answer: %w", err)
		}
		stats = tok.Stats
	}
	fmt.Fprintln(out)
	return stats, out.Flush()
}

func (g *generateCmd) printStats(w io.Writer, s *generate.Stats) error {
	if g.JSON {
		return json.NewEncoder(w).Encode(map[string]any{
			"prompt_tokens": s.PromptTokens, "prompt_tps": s.PromptTPS(),
			"generation_tokens": s.GeneratedTokens, "generation_tps": s.GenerationTPS(),
			"peak_memory": s.PeakMemory,
		})
	}
	const form = "prompt: %d tokens, %.1f tokens/s\ngeneration: %d tokens, %.1f tokens/s\npeak memory: %.1f MB\n"
	_, err := fmt.Fprintf(w, form, s.PromptTokens, s.PromptTPS(), s.GeneratedTokens, s.GenerationTPS(),
		float64(s.PeakMemory)/1e6)
	return err
}
