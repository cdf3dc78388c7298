package main

import (
	"fmt"
	"io"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/mt19937"
	"forge.lthn.ai/core/go-mlx/models"
)

type benchCmd struct {
	Model   string `short:"m" placeholder:"MODEL" xor:"what" required:"" help:"A model folder, a .gguf file, or smollm2 for the small default model."`
	Config  string `placeholder:"FILE" xor:"what" required:"" help:"A config.json, or a folder that holds one, to be measured with random weights."`
	Prompt  int    `short:"p" name:"prompt-tokens" default:"512" help:"Tokens of the prompt."`
	Tokens  int    `short:"n" name:"generation-tokens" default:"128" help:"Tokens to generate."`
	Batch   int    `short:"b" name:"batch-size" default:"1" help:"Sequences that run side by side."`
	Repeat  int    `short:"r" name:"repetitions" default:"5" help:"How often it is measured, after a run to warm up."`
	Prefill int    `name:"prefill-step-size" default:"2048" help:"Tokens of the prompt that are read at a time."`
	Seed    uint32 `default:"0" help:"Seed of the prompt's random tokens."`
	JSON    bool   `help:"Print one line of JSON."`
	Quiet   bool   `short:"q" help:"Show no progress."`
	weightFlags
}

// Validate refuses sizes that cannot be measured.
func (b *benchCmd) Validate() error {
	for _, f := range []struct {
		name  string
		value int
		least int
	}{
		{"prompt-tokens", b.Prompt, 1}, {"generation-tokens", b.Tokens, 2}, {"batch-size", b.Batch, 1},
		{"repetitions", b.Repeat, 1}, {"prefill-step-size", b.Prefill, 1},
	} {
		if f.value < f.least {
			return fmt.Errorf("--%s=%d is not %d or more", f.name, f.value, f.least)
		}
	}
	return nil
}

// Run measures a model and prints what it showed.
func (b *benchCmd) Run(c *console) error {
	m, name, err := b.load(c)
	if err != nil {
		return err
	}
	defer m.Close()
	prompts := b.prompts(m.VocabSize())
	report := benchReport{
		Model: name, Weights: weightsLabel(m), PromptTokens: b.Prompt, GenerationTokens: b.Tokens, BatchSize: b.Batch,
	}
	if report.Machine, err = benchMachine(c.ctx); err != nil {
		return err
	}
	for run := range b.Repeat + 1 {
		b.progress(c.err, run)
		s, err := b.measure(c.ctx, m, prompts)
		if err != nil {
			return err
		}
		if run > 0 {
			report.add(s)
		}
	}
	b.progress(c.err, b.Repeat+1)
	return report.print(c.out, b.JSON)
}

// load loads the model, or makes one of random weights.
func (b *benchCmd) load(c *console) (*models.Model, string, error) {
	if b.Model != "" {
		path, err := modelPath(c.silent(b.Quiet), b.Model)
		if err != nil {
			return nil, "", err
		}
		m, err := models.Load(c.ctx, path, b.options()...)
		return m, b.Model, err
	}
	path, config, err := readConfig(b.Config)
	if err != nil {
		return nil, "", err
	}
	m, err := models.New(c.ctx, config, b.options()...)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return m, b.Config + ", random weights", nil
}

// prompts are random tokens, a row for each sequence.
func (b *benchCmd) prompts(vocab int) [][]int32 {
	source := mt19937.New(b.Seed)
	rows := make([][]int32, b.Batch)
	for i := range rows {
		rows[i] = make([]int32, b.Prompt)
		for j := range rows[i] {
			rows[i][j] = int32(source.Uint32() % uint32(vocab))
		}
	}
	return rows
}

// progress tells on a terminal which run it is; 0 warms up.
func (b *benchCmd) progress(w io.Writer, run int) {
	switch {
	case b.Quiet || !fetch.IsTerminal(w):
	case run > b.Repeat:
		fmt.Fprint(w, "\r\x1b[K")
	case run == 0:
		fmt.Fprint(w, "\rwarming up")
	default:
		fmt.Fprintf(w, "\r\x1b[Krun %d of %d", run, b.Repeat)
	}
}

func weightsLabel(m *models.Model) string {
	p := m.Policy()
	if p.Unpack {
		return fmt.Sprintf("dense %v", p.Dtype)
	}
	return fmt.Sprintf("as stored, %v", p.Dtype)
}
