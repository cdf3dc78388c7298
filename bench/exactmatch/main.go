// Command exactmatch tells how many completions of a JSONL file a model writes to the
// letter:
//
//	go run ./bench/exactmatch -model smollm2.gguf -adapter-path adapters -data test.jsonl
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/templates"
)

type row struct{ Prompt, Completion string }

func main() {
	model := flag.String("model", "", "a model folder or a .gguf file")
	adapter := flag.String("adapter-path", "", "an adapter on top; none without it")
	path := flag.String("data", "test.jsonl", "rows with prompt and completion")
	tokens := flag.Int("max-tokens", 48, "of an answer")
	show := flag.Int("show", 3, "answers to print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *model, *adapter, *path, *tokens, *show); err != nil {
		fmt.Fprintln(os.Stderr, "exactmatch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, model, adapter, path string, tokens, show int) error {
	rows, err := read(path)
	if err != nil {
		return err
	}
	var opts []models.Option
	if adapter != "" {
		opts = append(opts, models.WithAdapter(adapter))
	}
	m, err := models.Load(ctx, model, opts...)
	if err != nil {
		return err
	}
	defer m.Close()
	right := 0
	for i, r := range rows {
		got, err := answer(ctx, m, r.Prompt, tokens)
		if err != nil {
			return err
		}
		if got == r.Completion {
			right++
		}
		if i < show {
			fmt.Printf("%s\n  want %s\n  got  %s\n", r.Prompt, r.Completion, got)
		}
	}
	fmt.Printf("exact match: %d of %d\n", right, len(rows))
	return nil
}

func read(path string) (rows []row, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var r row
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		rows = append(rows, r)
	}
}

// answer is the model's, greedily.
func answer(ctx context.Context, m *models.Model, prompt string, tokens int) (string, error) {
	var text strings.Builder
	chat := templates.Chat{Messages: []templates.Message{{Role: "user", Content: prompt}}}
	for tok, err := range m.Chat(ctx, chat, generate.WithMaxTokens(tokens)) {
		if err != nil {
			return "", err
		}
		text.WriteString(tok.Text)
	}
	return strings.TrimSpace(text.String()), nil
}
