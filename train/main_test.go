package train_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
	"forge.lthn.ai/core/go-mlx/train/optim"
)

func TestMain(m *testing.M) {
	os.Setenv("OPENBLAS_NUM_THREADS", "1") // the matrices are tiny, and threads wait for each other
	leaktest.Main(m)
}

const tinyConfig = `{"model_type":"llama","hidden_size":16,"intermediate_size":24,"num_hidden_layers":2,"num_attention_heads":2,
	"num_key_value_heads":1,"vocab_size":40,"rms_norm_eps":1e-5,"tie_word_embeddings":true}`

// tinyModel is a model of random weights, equal each time, all of which are trained.
func tinyModel(t *testing.T, opts ...models.Option) *models.Model {
	t.Helper()
	m, err := models.New(t.Context(), []byte(tinyConfig), append([]models.Option{models.WithTraining(), models.WithDtype(mlx.Float32)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// source counts upwards from random tokens: a rule that can be learnt. Batches are of
// several lengths, have padding and prompts that are not trained.
type source struct {
	rows, share, of int // share of as many processes
	batches         int // in a pass
	pos             data.Position
	spoil           func(n int, b *data.Batch) error
}

func (c *source) Position() data.Position { return c.pos }

func (c *source) Seek(p data.Position) error {
	if p.Batch >= c.batches {
		return errors.New("no such batch")
	}
	c.pos = p
	return nil
}

func (c *source) Next() (*data.Batch, error) {
	n := c.pos.Epoch*c.batches + c.pos.Batch
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	b := &data.Batch{B: c.rows, L: []int{8, 12}[n%2]}
	for range c.rows {
		length, from := b.L-rng.IntN(4), rng.IntN(40)
		b.Lengths = append(b.Lengths, length)
		for l := range b.L + 1 {
			id := int32(0)
			if l <= length {
				id = int32((from + l) % 40)
			}
			b.Tokens = append(b.Tokens, id)
			if l < b.L {
				b.Trained = append(b.Trained, l < length && l >= rng.IntN(3))
			}
		}
	}
	if c.pos.Batch++; c.pos.Batch == c.batches {
		c.pos = data.Position{Epoch: c.pos.Epoch + 1}
	}
	if c.spoil != nil {
		if err := c.spoil(n, b); err != nil {
			return nil, err
		}
	}
	return c.part(b), nil
}

// part is the share of a batch that one process has.
func (c *source) part(b *data.Batch) *data.Batch {
	if c.of < 2 {
		return b
	}
	n := b.B / c.of
	lo, hi := c.share*n, (c.share+1)*n
	return &data.Batch{
		B: n, L: b.L, Tokens: b.Tokens[lo*(b.L+1) : hi*(b.L+1)], Trained: b.Trained[lo*b.L : hi*b.L], Lengths: b.Lengths[lo:hi],
	}
}

func newSource() *source { return &source{rows: 4, batches: 6} }

// losses is an observer that keeps the loss of each report, by its iteration.
type losses map[int]float64

func (l losses) observe(e train.Event) error {
	if s, ok := e.(train.StepEvent); ok {
		l[s.Iter] = s.Loss
	}
	return nil
}

// options are those of most tests here.
func options(l losses, more ...train.Option) []train.Option {
	return append([]train.Option{
		train.WithOptimizer(optim.NewAdam()), train.WithSchedule(optim.Constant(1e-2)), train.WithIters(20), train.WithReportEvery(1),
		train.WithObserver(l.observe),
	}, more...)
}

// weights are the values of all of a model's parameters.
func weights(t *testing.T, m *models.Model) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		for name, a := range m.Parameters().All() {
			v, err := mlx.Values[float32](th, a)
			require.NoError(t, err)
			out[name] = v
		}
		return nil
	}))
	return out
}

// trainTiny trains a fresh model, and returns its losses and weights.
func trainTiny(t *testing.T, src data.Source, opts ...train.Option) (losses, map[string][]float32) {
	t.Helper()
	m, l := tinyModel(t), losses{}
	run, err := train.New(t.Context(), m, src, options(l, opts...)...)
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	require.NoError(t, run.Run(t.Context()))
	return l, weights(t, m)
}
