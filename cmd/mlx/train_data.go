package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// trainSets are the sets of a folder, as far as they are needed and there.
type trainSets struct {
	files              []*data.File
	train, valid, test *data.Batches
	summary            string // of the training set
}

// Close closes the files.
func (s *trainSets) Close() (err error) {
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// openSets opens train.jsonl, valid.jsonl and test.jsonl.
func (t *training) openSets(e *data.Encoder) (*trainSets, error) {
	if e.Tokenizer == nil {
		return nil, errors.New("the model has no tokenizer")
	}
	s := &trainSets{}
	for _, set := range []struct {
		name   string
		wanted bool
		needed bool
		to     **data.Batches
	}{{"train", t.Train, true, &s.train}, {"valid", t.Train, false, &s.valid}, {"test", t.Test, true, &s.test}} {
		if !set.wanted {
			continue
		}
		path := filepath.Join(t.Data, set.name+".jsonl")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !set.needed {
			fmt.Fprintf(t.err, "there is no %s: training goes on without validation\n", path)
			continue
		}
		b, err := t.openSet(s, path, e, set.name != "train")
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		*set.to = b
	}
	return s, nil
}

// openSet opens a file, and tells what is in it.
func (t *training) openSet(s *trainSets, path string, e *data.Encoder, judged bool) (*data.Batches, error) {
	f, err := data.Open(t.ctx, path, e, t.setOptions(t.err)...)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	b, err := data.NewBatches(f, t.batchOptions(judged)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	line := setLine(path, f, b)
	if !judged {
		s.summary = line
	}
	if !t.Quiet {
		fmt.Fprintln(t.err, line)
	}
	return b, nil
}

func (c *trainCmd) setOptions(out io.Writer) []data.Option {
	opts := []data.Option{data.WithKeys(data.Keys{Prompt: c.Prompt, Completion: c.Completion, Messages: c.Chat, Text: c.Text})}
	if c.MaskPrompt {
		opts = append(opts, data.WithMaskPrompt())
	}
	if c.Assistant {
		opts = append(opts, data.WithAssistantOnly())
	}
	if c.SkipBad {
		opts = append(opts, data.WithSkipBad())
	}
	if !c.Quiet && fetch.IsTerminal(out) {
		opts = append(opts, data.WithProgress(func(done, total int64) {
			fmt.Fprintf(out, "\r\x1b[Kreading: %d%%", 100*done/max(total, 1))
			if done == total {
				fmt.Fprint(out, "\r\x1b[K")
			}
		}))
	}
	return opts
}

// batchOptions are those of a set; one to judge by is taken whole.
func (t *training) batchOptions(judged bool) []data.BatchOption {
	rank, of := t.share()
	opts := []data.BatchOption{data.BatchSize(t.BatchSize), data.MaxLength(t.MaxLength), data.Seed(t.Seed), data.Shard(rank, of)}
	if judged && !t.AsMLXLM && (!t.Pack || of == 1) { // the rest of packed rows cannot be shared
		opts = append(opts, data.WithRest())
	}
	if t.Pack {
		opts = append(opts, data.Packed())
	}
	if t.AsMLXLM {
		opts = append(opts, data.AsMLXLM())
	}
	return opts
}

// setLine tells what becomes of a file.
func setLine(path string, f *data.File, b *data.Batches) string {
	s := b.Summary()
	line := fmt.Sprintf("%s: %d rows (%s), %d batches, %.0f%% padding (%.0f%% in the file's order)", path, s.Rows, f.Format(), s.Batches,
		100*s.Padding, 100*s.Unsorted)
	skipped, first := f.Skipped()
	for _, n := range []struct {
		n    int
		what string
	}{{s.Truncated, "truncated"}, {s.Untrained, "with nothing to train on left out"}, {skipped, "malformed skipped"}} {
		if n.n > 0 {
			line += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	if skipped > 0 {
		line += fmt.Sprintf("; the first: %v", first)
	}
	return line
}
