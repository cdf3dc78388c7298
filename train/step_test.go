package train_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// requireNear compares weights within rounding.
func requireNear(t *testing.T, want, have map[string][]float32, tolerance float64) {
	t.Helper()
	require.Len(t, have, len(want))
	for name, w := range want {
		require.InDeltaSlice(t, w, have[name], tolerance, name)
	}
}

// halves gives each batch of a source as two.
type halves struct {
	source
	rest *data.Batch
}

func (h *halves) Next() (*data.Batch, error) {
	if b := h.rest; b != nil {
		h.rest = nil
		return b, nil
	}
	b, err := h.source.Next()
	if err != nil {
		return nil, err
	}
	one, other := source{share: 0, of: 2}, source{share: 1, of: 2}
	h.rest = other.part(b)
	return one.part(b), nil
}

// Two halves of a batch, of as many tokens as they happen to have, make the update
// that the whole makes.
func TestAccumulation(t *testing.T) {
	leaktest.Check(t)
	want, w := trainTiny(t, newSource(), train.WithIters(12))
	have, w2 := trainTiny(t, &halves{source: *newSource()}, train.WithIters(24), train.WithAccumulation(2), train.WithReportEvery(2))
	require.Len(t, have, 12)
	for iter, loss := range have {
		require.InDelta(t, want[iter/2], loss, 1e-4, iter)
	}
	requireNear(t, w, w2, 2e-4)
}

// Blocks that run again make the weights that blocks that keep everything make.
func TestRecompute(t *testing.T) {
	leaktest.Check(t)
	_, w := trainTiny(t, newSource(), train.WithIters(10))
	_, w2 := trainTiny(t, newSource(), train.WithIters(10), train.WithRecompute())
	requireNear(t, w, w2, 1e-4)
}

// packed puts the rows of each batch of a source into one.
type packed struct{ source }

func (p *packed) Next() (*data.Batch, error) {
	b, err := p.source.Next()
	if err != nil {
		return nil, err
	}
	out := &data.Batch{B: 1}
	for i, n := range b.Lengths {
		out.Tokens = append(out.Tokens, b.Tokens[i*(b.L+1):i*(b.L+1)+n+1]...)
		out.Trained = append(append(out.Trained, b.Trained[i*b.L:i*b.L+n]...), false) // from one to the next
		for range n + 1 {
			out.Segments = append(out.Segments, int32(i+1))
		}
	}
	out.Tokens = append(out.Tokens, 0)
	out.L = len(out.Trained)
	out.Lengths = []int{out.L}
	return out, nil
}

// Rows that are packed into one train as they do apart.
func TestPackedBatches(t *testing.T) {
	leaktest.Check(t)
	want, w := trainTiny(t, newSource(), train.WithIters(10))
	have, w2 := trainTiny(t, &packed{*newSource()}, train.WithIters(10))
	for iter, loss := range want {
		require.InDelta(t, loss, have[iter], 1e-4)
	}
	requireNear(t, w, w2, 5e-4)
}

// Gradients above the norm are brought to it, and the norm is told.
func TestClip(t *testing.T) {
	leaktest.Check(t)
	norms := []float64{}
	_, free := trainTiny(t, newSource(), train.WithIters(3), train.WithClip(1e9), train.WithObserver(func(e train.Event) error {
		if s, ok := e.(train.StepEvent); ok {
			norms = append(norms, s.GradNorm)
		}
		return nil
	}))
	require.Len(t, norms, 3)
	require.Greater(t, norms[0], 0.0)
	_, plain := trainTiny(t, newSource(), train.WithIters(3))
	requireNear(t, plain, free, 1e-6)
}

// Only what is not frozen changes.
func TestFrozenWeightsStay(t *testing.T) {
	leaktest.Check(t)
	m := tinyModel(t)
	before := weights(t, m)
	nn.Freeze(m.Module())
	nn.Unfreeze(m.Module(), "model.layers.1.mlp")
	run, err := train.New(t.Context(), m, newSource(), options(losses{}, train.WithIters(3))...)
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
	for name, w := range weights(t, m) {
		if name == "model.layers.1.mlp.down_proj.weight" {
			require.NotEqual(t, before[name], w)
		} else if name != "model.layers.1.mlp.gate_proj.weight" && name != "model.layers.1.mlp.up_proj.weight" {
			require.Equal(t, before[name], w, name)
		}
	}
}

// What cannot be trained is refused before anything is made.
func TestRefusals(t *testing.T) {
	leaktest.Check(t)
	m := tinyModel(t)
	for want, opts := range map[string][]train.Option{
		"train: 0 iterations":            {train.WithIters(0)},
		"train: -1 accumulated batches":  {train.WithAccumulation(-1)},
		"a patience of -1":               {train.WithEarlyStop(-1)},
		"takes a validation set":         {train.WithEarlyStop(2)},
		"train: 0 checkpoints to keep":   {train.WithKeep(0)},
		"a clip of NaN":                  {train.WithClip(math.NaN())},
		"train: mkdir /dev/null: not a ": {train.WithDir("/dev/null")},
	} {
		_, err := train.New(t.Context(), m, newSource(), opts...)
		require.ErrorContains(t, err, want)
	}
	nn.Freeze(m.Module())
	_, err := train.New(t.Context(), m, newSource())
	require.ErrorContains(t, err, "no weight of the model is to be trained")

	inference, err := models.New(t.Context(), []byte(tinyConfig), models.WithDtype(mlx.Float32))
	require.NoError(t, err)
	for _, layer := range []string{"model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm", "model.layers.1"} {
		nn.Freeze(inference.Module(), layer)
	}
	_, err = train.New(t.Context(), inference, newSource())
	require.ErrorContains(t, err, "load it models.WithTraining")
	require.NoError(t, inference.Close())
}

// A batch that the model cannot read ends the run with its place.
func TestBadBatches(t *testing.T) {
	leaktest.Check(t)
	for want, spoil := range map[string]func(b *data.Batch){
		"iteration 2: data: token 3 of row 2, 40, is not in the vocabulary of 40": func(b *data.Batch) { b.Tokens[b.L+1+2] = 40 },
		"a batch of 4 x 8 has 35 tokens":                                          func(b *data.Batch) { b.Tokens = b.Tokens[1:] },
		"a batch of 4 x 8 has 3 segments":                                         func(b *data.Batch) { b.Segments = make([]int32, 3) },
	} {
		src := newSource()
		src.spoil = func(n int, b *data.Batch) error {
			if n == 2 {
				spoil(b)
			}
			return nil
		}
		run, err := train.New(t.Context(), tinyModel(t), src, options(losses{})...)
		require.NoError(t, err)
		require.ErrorContains(t, run.Run(t.Context()), want)
		require.NoError(t, run.Close())
	}
}
