package data

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// datasetCase is what mlx-lm made of a file with a tokenizer and a template.
type datasetCase struct {
	Tokenizer, Template, File string
	Plain                     []struct {
		Tokens []int32
		Error  string
	}
	Masked    []*int    // the first token that counts with mask_prompt; nil where it fails
	Assistant [][][]int // runs of return_assistant_tokens_mask
}

// encoder is the one that a case was made with.
func (c *datasetCase) encoder(t testing.TB, simple string) *Encoder {
	if c.Tokenizer == "smollm2" {
		return smolLM2(t)
	}
	if c.Template == "simple" {
		return tinyEncoder(t, c.Tokenizer, simple)
	}
	source, err := os.ReadFile(filepath.Join("../../templates/testdata/real", c.Template+".jinja"))
	require.NoError(t, err)
	return tinyEncoder(t, c.Tokenizer, string(source))
}

// tinyEncoder has one of the tokenizers of 562 tokens.
func tinyEncoder(t testing.TB, name, template string) *Encoder {
	t.Helper()
	tok, err := tokenizer.Load(filepath.Join("../../tokenizer/testdata", name+".json"))
	require.NoError(t, err)
	set, err := templates.NewSet(map[string]string{templates.DefaultName: template})
	require.NoError(t, err)
	eos, ok := tok.ID("<|end|>")
	require.True(t, ok)
	return &Encoder{Tokenizer: tok, Templates: set, EOS: eos}
}

func smolLM2(t testing.TB) *Encoder {
	t.Helper()
	f, err := gguf.Open(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	defer f.Close()
	tok, err := tokenizer.FromGGUF(&f.Metadata)
	require.NoError(t, err)
	set, err := templates.FromGGUF(&f.Metadata)
	require.NoError(t, err)
	return &Encoder{Tokenizer: tok, Templates: set, EOS: tok.Roles().EOS}
}

// open opens a file for a test.
func open(t testing.TB, path string, e *Encoder, opts ...Option) *File {
	t.Helper()
	f, err := Open(t.Context(), path, e, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// Tokens and masks are those of mlx-lm's datasets.py, and those of transformers'
// return_assistant_tokens_mask; what they refuse is refused. testdata/dump.py.
func TestDatasetsEqualMLXLM(t *testing.T) {
	var ref struct {
		Simple string
		Cases  []datasetCase
	}
	readJSON(t, "testdata/datasets.json", &ref)
	require.Len(t, ref.Cases, 31)
	for _, c := range ref.Cases {
		t.Run(strings.Join([]string{c.Tokenizer, c.Template, c.File}, " "), func(t *testing.T) {
			c.check(t, c.encoder(t, ref.Simple))
		})
	}
}

func (c *datasetCase) check(t *testing.T, e *Encoder) {
	keys := WithKeys(Keys{})
	if c.File == "features" {
		keys = WithKeys(Keys{Prompt: "question", Completion: "answer"})
	}
	path := filepath.Join("testdata", c.File+".jsonl")
	plain := open(t, path, e, keys)
	require.Equal(t, len(c.Plain), plain.Len())
	for i, want := range c.Plain {
		require.Empty(t, want.Error)
		ex, err := plain.Example(i)
		require.NoError(t, err)
		require.Equal(t, want.Tokens, ex.Tokens, "row %d", i)
		require.Nil(t, ex.Trained)
	}
	if c.Masked != nil {
		c.checkMasked(t, open(t, path, e, keys, WithMaskPrompt(), WithSkipBad()))
	}
	if c.Assistant != nil {
		c.checkAssistant(t, open(t, path, e, keys, WithAssistantOnly()))
	}
}

func (c *datasetCase) checkMasked(t *testing.T, f *File) {
	row := 0
	for i, offset := range c.Masked {
		if offset == nil {
			continue
		}
		ex, err := f.Example(row)
		require.NoError(t, err)
		require.Equal(t, c.Plain[i].Tokens, ex.Tokens)
		for j, trained := range ex.Trained {
			require.Equal(t, j >= *offset, trained, "row %d, token %d", i, j)
		}
		require.Equal(t, Row{Tokens: len(ex.Tokens), Trained: *offset, Keys: f.Row(row).Keys}, f.Row(row))
		row++
	}
	skipped, err := f.Skipped()
	require.Equal(t, len(c.Masked)-row, skipped)
	require.Equal(t, row, f.Len())
	if skipped > 0 {
		require.ErrorContains(t, err, "line 4: the prompt: there is no message before the answer")
	}
}

func (c *datasetCase) checkAssistant(t *testing.T, f *File) {
	require.Equal(t, len(c.Assistant), f.Len())
	for i, runs := range c.Assistant {
		ex, err := f.Example(i)
		require.NoError(t, err)
		require.Equal(t, c.Plain[i].Tokens, ex.Tokens)
		require.Equal(t, expand(runs), numbers(ex.Trained), "row %d", i)
	}
}

// expand turns runs of [value, count] into values.
func expand(runs [][]int) []int {
	out := []int{}
	for _, run := range runs {
		for range run[1] {
			out = append(out, run[0])
		}
	}
	return out
}

func numbers[T bool | int32](values []T) []int {
	out := make([]int, len(values))
	for i, v := range values {
		switch v := any(v).(type) {
		case bool:
			if v {
				out[i] = 1
			}
		case int32:
			out[i] = int(v)
		}
	}
	return out
}

// batchCase is what mlx-lm's iterate_batches gave, and the mask of its loss.
type batchCase struct {
	Batch, Length, Rank, Size int
	Seed                      uint32
	Batches                   []struct {
		Width        int
		Tokens, Mask [][][]int
	}
}

// fakeSet is that of testdata/dump.py: row i is as many tokens i + 1.
type fakeSet []struct{ Tokens, Offset, Keys int }

func (s fakeSet) Len() int { return len(s) }

func (s fakeSet) Row(i int) Row {
	ex, _ := s.Example(i)
	return newRow(ex, s[i].Keys)
}

func (s fakeSet) Example(i int) (*Example, error) {
	ex := &Example{}
	for j := range s[i].Tokens {
		ex.Tokens = append(ex.Tokens, int32(i+1))
		ex.Trained = append(ex.Trained, j >= s[i].Offset)
	}
	return ex, nil
}

// Batches, their order over several passes, their padding and the masks of the loss
// are those of mlx-lm's iterate_batches and default_loss.
func TestBatchesEqualMLXLM(t *testing.T) {
	var ref struct {
		Rows  fakeSet
		Cases []batchCase
	}
	readJSON(t, "testdata/batches.json", &ref)
	require.Len(t, ref.Cases, 4)
	for _, c := range ref.Cases {
		t.Run(fmt.Sprintf("%d of %d, seed %d", c.Batch, c.Length, c.Seed), func(t *testing.T) {
			b, err := NewBatches(ref.Rows, BatchSize(c.Batch), MaxLength(c.Length), Seed(c.Seed), Shard(c.Rank, c.Size), AsMLXLM())
			require.NoError(t, err)
			for k, want := range c.Batches {
				got, err := b.Next()
				require.NoError(t, err)
				require.Equal(t, []int{c.Batch / c.Size, want.Width}, []int{got.B, got.L + 1})
				for i := range got.B {
					require.Equal(t, expand(want.Tokens[i]), numbers(got.Tokens[i*(got.L+1):(i+1)*(got.L+1)]), "batch %d, row %d", k, i)
					require.Equal(t, expand(want.Mask[i]), numbers(got.Trained[i*got.L:(i+1)*got.L]), "batch %d, row %d", k, i)
				}
			}
		})
	}
}
