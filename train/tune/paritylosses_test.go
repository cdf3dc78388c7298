package tune_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

var optimizers = map[string]optim.Optimizer{
	"adam": optim.NewAdam(), "adamw": optim.NewAdamW(), "sgd": optim.NewSGD(), "adafactor": optim.NewAdafactor(), "muon": optim.NewMuon(),
}

// requireLosses trains m, whose adapters are as mlx-lm's were, on the batches of src,
// and compares the loss of every step.
func (r *run) requireLosses(t *testing.T, m *models.Model, src data.Source) {
	t.Helper()
	var tokens int64
	step := 0
	compare := func(e train.Event) error {
		if e, ok := e.(train.StepEvent); ok {
			require.InDelta(t, r.Losses[step], e.Loss, 1e-4, "step %d", step+1)
			require.Equal(t, r.Counts[step], e.Tokens-tokens, "step %d", step+1)
			tokens, step = e.Tokens, step+1
		}
		return nil
	}
	run, err := train.New(t.Context(), m, src, train.WithOptimizer(optimizers[r.Optimizer]), train.WithSchedule(optim.Constant(r.Rate)),
		train.WithIters(len(r.Losses)), train.WithReportEvery(1), train.WithObserver(compare))
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	require.NoError(t, run.Run(t.Context()))
	require.Len(t, r.Losses, step)
}

// counted are the batches of the tiny runs.
type counted struct{ at data.Position }

// Next makes a batch as batch of testdata/parity.py does.
func (c *counted) Next() (*data.Batch, error) {
	i := c.at.Batch
	b := &data.Batch{B: 3, L: 11}
	for row := range b.B {
		begin, end := (i+row)%4+1, b.L-(2*i+3*row)%5
		b.Lengths = append(b.Lengths, min(end+1, b.L))
		for l := range b.L + 1 {
			id := int32(reftest.Bits(uint32(1000+i), row*(b.L+1)+l) % 32)
			if l > end {
				id = 0
			}
			b.Tokens = append(b.Tokens, id)
			if l > 0 {
				b.Trained = append(b.Trained, l >= begin && l <= end)
			}
		}
	}
	c.at.Batch++
	return b, nil
}

// Position implements data.Source.
func (c *counted) Position() data.Position { return c.at }

// Seek implements data.Source.
func (c *counted) Seek(p data.Position) error {
	c.at = p
	return nil
}

// SmolLM2, a real model, has the losses of mlx-lm from a file of conversations: the
// same rows of up to 96 tokens in the same order, in two passes and a part.
func TestSmolLM2LossesEqualMLXLM(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a real model")
	}
	leaktest.Check(t)
	var r run
	readJSON(t, "smollm2.json", &r)
	m := load(t, testmodels.RequireSmolLM2(t), models.WithWeights(models.Dense), models.WithDtype(mlx.Float32))
	require.NoError(t, tune.Apply(t.Context(), m, r.config()))
	setAdapters(t, m, ".lora_a")
	encoder := &data.Encoder{Tokenizer: m.Tokenizer(), Templates: m.Templates(), EOS: m.EOS()}
	file, err := data.Open(t.Context(), filepath.Join("testdata", "smollm2.jsonl"), encoder, data.WithMaskPrompt())
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	batches, err := data.NewBatches(file, data.BatchSize(2), data.MaxLength(96), data.AsMLXLM())
	require.NoError(t, err)
	r.requireLosses(t, m, batches)
}
