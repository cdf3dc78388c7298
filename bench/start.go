package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/markdown"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// startOptions are the command line of `bench start`.
type startOptions struct {
	Runs int    `default:"15" help:"How often it is started, after a run that warms up."`
	Out  string `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`
}

// partsOptions are the command line of `bench parts`, which the program calls itself with.
type partsOptions struct {
	Model string `arg:"" type:"existingfile" help:"A GGUF file."`
}

// firstPrompt is that of `make run`.
const firstPrompt = "What is the capital of France? Tell me three facts about it."

// parts are what a start is made of, in seconds.
type parts struct {
	Library float64 `json:"library"`
	Open    float64 `json:"open"`
	Weights float64 `json:"weights"`
	Prompt  float64 `json:"prompt"`
	Tokens  int     `json:"tokens"` // of the prompt
}

// partNames are the rows of the table.
var partNames = []struct {
	name string
	of   func(parts) float64
}{
	{"loading the libraries", func(p parts) float64 { return p.Library }},
	{"opening the file, its vocabulary and template", func(p parts) float64 { return p.Open }},
	{"reading the weights", func(p parts) float64 { return p.Weights }},
	{"the prompt, up to its first token", func(p parts) float64 { return p.Prompt }},
}

// runStart takes the time from starting mlx to the first byte of its answer, and in
// processes of their own what it is made of.
func runStart(ctx context.Context, o startOptions, out, log io.Writer) error {
	if o.Runs < 1 {
		return errors.New("bench: want one run at least")
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	m, err := describe(ctx)
	if err != nil {
		return err
	}
	path, err := modelPath(ctx, smollm2, log)
	if err != nil {
		return err
	}
	program, remove, err := buildMLX(ctx, root, log)
	if err != nil {
		return err
	}
	defer remove()
	var whole series
	var all []parts
	for run := range o.Runs + 1 {
		took, err := firstByte(ctx, program, "generate", "--model", smollm2, "--prompt", firstPrompt, "--max-tokens", "8")
		if err != nil {
			return err
		}
		p, err := startedParts(ctx, path)
		if err != nil {
			return err
		}
		if run > 0 {
			whole, all = append(whole, took.Seconds()*1e3), append(all, p)
		}
	}
	text := startTable(whole, all)
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if o.Out == "" {
		o.Out = document(root)
	}
	return markdown.Rewrite(o.Out, "bench "+m.section()+" start", "make bench", startMarkdown(m, o, text, all[0].Tokens))
}

// buildMLX builds the command line into a folder that remove takes away.
func buildMLX(ctx context.Context, root string, log io.Writer) (program string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, fmt.Errorf("bench: %w", err)
	}
	remove = func() { os.RemoveAll(dir) }
	program = filepath.Join(dir, "mlx")
	cmd := fetch.Command(ctx, "go", "build", "-o", program, "./cmd/mlx")
	cmd.Dir, cmd.Stderr = root, log
	if err := cmd.Run(); err != nil {
		remove()
		return "", nil, fmt.Errorf("bench: building mlx: %w", err)
	}
	return program, remove, nil
}

// firstByte is how long a program takes from its start to the first byte it writes. It
// may then end as it does.
func firstByte(ctx context.Context, program string, args ...string) (time.Duration, error) {
	cmd := fetch.Command(ctx, program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	n, err := out.Read(make([]byte, 1))
	took := time.Since(began)
	_, rest := io.Copy(io.Discard, out)
	if ended := cmd.Wait(); ended != nil || n == 0 {
		return 0, fmt.Errorf("bench: %s wrote nothing: %w", filepath.Base(program), errors.Join(err, ended))
	}
	return took, rest
}

// startedParts starts this program to take the times of the parts.
func startedParts(ctx context.Context, model string) (p parts, err error) {
	program, err := os.Executable()
	if err != nil {
		return p, fmt.Errorf("bench: %w", err)
	}
	text, err := fetch.Command(ctx, program, "parts", model).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return p, fmt.Errorf("bench: parts: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("bench: parts: %w", err)
	}
	return p, nil
}

// runParts does what `mlx generate` does, with a clock.
func runParts(ctx context.Context, o partsOptions, out io.Writer) (err error) {
	var p parts
	began := time.Now()
	lap := func() float64 {
		took := time.Since(began).Seconds()
		began = time.Now()
		return took
	}
	if _, err := mlx.LoadLibrary(); err != nil {
		return err
	}
	p.Library = lap()
	if _, err := models.Check(ctx, o.Model); err != nil {
		return err
	}
	p.Open = lap()
	m, err := models.Load(ctx, o.Model)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	p.Weights = max(0, lap()-p.Open) // it opens the file again
	ids, err := m.ChatTokens(templates.Chat{Messages: []templates.Message{{Role: "user", Content: firstPrompt}}})
	if err != nil {
		return err
	}
	p.Tokens = len(ids)
	for _, err := range m.GenerateTokens(ctx, ids, generate.WithMaxTokens(8)) {
		if err != nil {
			return err
		}
		p.Prompt = lap()
		break
	}
	if err := json.NewEncoder(out).Encode(p); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

func startTable(whole series, all []parts) string {
	rows := [][]string{{"", "ms"}, {"**from starting `mlx generate` to the first text**", "**" + spread(whole) + "**"}}
	for _, part := range partNames {
		var s series
		for _, p := range all {
			s = append(s, part.of(p)*1e3)
		}
		rows = append(rows, []string{part.name, spread(s)})
	}
	return markdown.Table(rows)
}

func startMarkdown(m machine, o startOptions, table string, tokens int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `go run ./bench start --runs %d`.\n\n", time.Now().Format(time.DateOnly), o.Runs)
	for _, l := range m.lines() {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n%s\nMedian (least–most) of %s in turns, the parts in processes of their own: SmolLM2-135M-Instruct, the prompt of `make run`, %d tokens with its template.",
		table, count(o.Runs, "run"), tokens)
	return b.String()
}
