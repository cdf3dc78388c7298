package nn_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// watched counts what is read of a checkpoint.
type watched struct {
	checkpoint
	reads *int
	bad   map[string]error
}

func (w watched) Tensor(name string) nn.Tensor {
	t := w.checkpoint.Tensor(name)
	switch t := t.(type) {
	case nil:
		return nil
	case nn.Quantised:
		return watchedPacked{watchedTensor{t, w, name}, t}
	default:
		return watchedTensor{t, w, name}
	}
}

type watchedTensor struct {
	nn.Tensor
	w    watched
	name string
}

func (t watchedTensor) Check() error { return t.w.bad[t.name] }

func (t watchedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	*t.w.reads++
	return t.Tensor.Dense(th, dtype)
}

type watchedPacked struct {
	watchedTensor
	q nn.Quantised
}

func (t watchedPacked) Quantisation() nn.Quantisation { return t.q.Quantisation() }

func (t watchedPacked) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	*t.w.reads++
	return t.q.Packed(th, dtype)
}

// Whatever is wrong is found before the first weight is read.
func TestLoadChecksBeforeItReads(t *testing.T) {
	withReference(t, func(r *reference) {
		reads := 0
		w := watched{r.checkpoint(netLayers(2)...), &reads, map[string]error{}}
		load := func() error {
			return nn.Load(t.Context(), r.th, newNet(2), w, nn.Policy{Dtype: mlx.Float32}, r.owner)
		}
		require.NoError(t, load())
		require.Equal(t, 15, reads) // weights and biases

		reads = 0
		w.bad["model.norm.weight"] = errors.New("f: model.norm.weight is I64")
		w.bad["model.layers.1.self_attn.v.weight"] = errors.New("f: v is U8")
		delete(w.checkpoint, "model.layers.1.norm.weight")
		err := load()
		require.EqualError(t, err, "nn: weights missing: model.layers.1.norm.weight\n"+
			"nn: weights that cannot be read: f: model.norm.weight is I64; f: v is U8")
		require.Zero(t, reads)
	})
}

// fitted is packed in the groups that its layer's rows ask for.
type fitted struct {
	packedTensor
	fit func(in int) nn.Tensor
}

func (f fitted) Fit(in int) nn.Tensor { return f.fit(in) }

// A tensor whose form the checkpoint leaves open takes it from its layer's size.
func TestLoadFits(t *testing.T) {
	withReference(t, func(r *reference) {
		packed := r.checkpoint("a=q8")["a.weight"].(packedTensor)
		var asked []int
		f := fitted{packed, func(in int) nn.Tensor {
			asked = append(asked, in)
			return packed
		}}
		f.p.Bits = 4 // wrong as it stands
		m := struct {
			A nn.Linear `weight:"a"`
		}{nn.Linear{In: 64}}
		require.NoError(t, loadNet(r, &m, checkpoint{"a.weight": f, "a.bias": r.checkpoint("a=q8")["a.bias"]}))
		require.Equal(t, []int{64}, asked)
		r.requireOutput("q8.prompt", "prompt", m.A.Forward)
	})
}
