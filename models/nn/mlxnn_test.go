package nn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// mlxnn is what testdata/mlxnn.py dumped.
const mlxnn = "testdata/mlxnn.safetensors"

// subject is a layer and how it is called.
type subject struct {
	model   any
	forward reftest.Func
}

// unary is a layer of one input.
func unary(l nn.Unary) subject {
	return subject{l, func(s *mlx.Scope, in []mlx.Array) mlx.Array { return l.Forward(s, in[0]) }}
}

// of is a layer that is called by f.
func of[L any](l *L, f func(l *L, s *mlx.Scope, in []mlx.Array) mlx.Array) subject {
	return subject{l, func(s *mlx.Scope, in []mlx.Array) mlx.Array { return f(l, s, in) }}
}

// subjects are the layers of the dump, made as mlxnn.py makes them.
func subjects(causal mlx.Array) map[string]subject {
	dot := nn.NewMultiHeadAttention(8, 2)
	biased := nn.NewMultiHeadAttention(8, 2)
	sizes := nn.NewMultiHeadAttention(8, 2)
	sizes.KeyProj.In, sizes.ValueProj.In, sizes.ValueProj.Out, sizes.OutProj.In, sizes.OutProj.Out = 4, 3, 6, 6, 5
	three := func(a *nn.MultiHeadAttention, s *mlx.Scope, in []mlx.Array) mlx.Array {
		return a.Forward(s, in[0], in[1], in[2], nn.Mask{})
	}
	alibi := func(s *mlx.Scope, in []mlx.Array) mlx.Array { return nn.ALiBi(s, in[0], 3, mlx.Array{}) }
	turn := func(offset int) func(r *nn.RoPE, s *mlx.Scope, in []mlx.Array) mlx.Array {
		return func(r *nn.RoPE, s *mlx.Scope, in []mlx.Array) mlx.Array { return r.Forward(s, in[0], nn.At(offset)) }
	}
	return map[string]subject{
		"linear":        unary(&nn.Linear{In: 8, Out: 6}),
		"linear.nobias": unary(&nn.Linear{In: 8, Out: 6, NoBias: true}),
		"bilinear": of(&nn.Bilinear{In1: 8, In2: 4, Out: 3}, func(l *nn.Bilinear, s *mlx.Scope, in []mlx.Array) mlx.Array {
			return l.Forward(s, in[0], in[1])
		}),
		"embedding": unary(&nn.Embedding{Vocab: 7, Dims: 8}),
		"embedding.as_linear": of(&nn.Embedding{Vocab: 7, Dims: 8}, func(l *nn.Embedding, s *mlx.Scope, in []mlx.Array) mlx.Array {
			return l.AsLinear(s, in[0])
		}),
		"rmsnorm":            unary(&nn.RMSNorm{Dims: 8}),
		"layernorm":          unary(&nn.LayerNorm{Dims: 8, Eps: 1e-3}),
		"layernorm.nobias":   unary(&nn.LayerNorm{Dims: 8, NoBias: true}),
		"layernorm.noaffine": unary(&nn.LayerNorm{Dims: 8, NoAffine: true}),
		"instancenorm":       unary(&nn.InstanceNorm{Dims: 4, Affine: true}),
		"instancenorm.plain": unary(&nn.InstanceNorm{Dims: 8}),
		"groupnorm":          unary(&nn.GroupNorm{Groups: 2, Dims: 8}),
		"groupnorm.pytorch":  unary(&nn.GroupNorm{Groups: 2, Dims: 4, PyTorch: true}),
		"batchnorm.eval":     unary(&nn.BatchNorm{Dims: 4}),
		"batchnorm.train":    of(&nn.BatchNorm{Dims: 4, Momentum: 0.3}, trainBatchNorm),
		"batchnorm.train2":   of(&nn.BatchNorm{Dims: 4, Momentum: 0.3}, trainBatchNorm),
		"prelu":              unary(&nn.PReLULayer{Slopes: 8}),
		"conv1d":             unary(&nn.Conv1d{In: 8, Out: 6, Kernel: 3}),
		"conv1d.all":         unary(&nn.Conv1d{In: 8, Out: 6, Kernel: 2, Stride: 2, Padding: 2, Dilation: 2, Groups: 2, NoBias: true}),
		"conv2d":             unary(&nn.Conv2d{In: 4, Out: 3, Kernel: nn.Both(3)}),
		"conv2d.all": unary(&nn.Conv2d{In: 4, Out: 6, Kernel: nn.Pair{H: 3, W: 2}, Stride: nn.Pair{H: 2, W: 1},
			Padding: nn.Pair{H: 1, W: 2}, Dilation: nn.Pair{H: 1, W: 2}, Groups: 2}),
		"convtranspose1d": unary(&nn.ConvTranspose1d{In: 8, Out: 3, Kernel: 3, Stride: 2, Padding: 1, OutputPadding: 1}),
		"convtranspose2d": unary(&nn.ConvTranspose2d{In: 4, Out: 3, Kernel: nn.Pair{H: 3, W: 2}, Stride: nn.Pair{H: 2, W: 1},
			Padding: nn.Pair{H: 1}, Dilation: nn.Pair{H: 1, W: 2}, OutputPadding: nn.Pair{H: 1}}),
		"maxpool1d":        unary(nn.MaxPool1d{Kernel: 2}),
		"maxpool1d.padded": unary(nn.MaxPool1d{Kernel: 3, Stride: 2, Padding: 1}),
		"avgpool1d":        unary(nn.AvgPool1d{Kernel: 2, Stride: 1}),
		"maxpool2d":        unary(nn.MaxPool2d{Kernel: nn.Both(2)}),
		"avgpool2d":        unary(nn.AvgPool2d{Kernel: nn.Pair{H: 3, W: 2}, Stride: nn.Pair{H: 2, W: 1}, Padding: nn.Both(1)}),
		"rope":             of(&nn.RoPE{Dims: 8}, turn(3)),
		"rope.scaled":      of(&nn.RoPE{Dims: 8, Scale: 0.5, Base: 500}, turn(3)),
		"rope.traditional": of(&nn.RoPE{Dims: 4, Traditional: true}, turn(0)),
		"sinusoidal":       unary(nn.SinusoidalPositionalEncoding{Dims: 8}),
		"sinusoidal.all":   unary(nn.SinusoidalPositionalEncoding{Dims: 6, MinFreq: 0.01, MaxFreq: 2, Scale: 1.5, CosFirst: true, FullTurns: true}),
		"sinusoidal.two":   unary(nn.SinusoidalPositionalEncoding{Dims: 2}),
		"alibi.4":          {nil, alibi}, "alibi.3": {nil, alibi}, "alibi.6": {nil, alibi},
		"alibi.mask": {nil, func(s *mlx.Scope, in []mlx.Array) mlx.Array {
			return nn.ALiBi(s, in[0], 0, nn.AdditiveCausalMask(s, 3, mlx.Float32))
		}},
		"attention": of(&dot, three),
		"attention.causal": of(&biased, func(a *nn.MultiHeadAttention, s *mlx.Scope, in []mlx.Array) mlx.Array {
			return a.Forward(s, in[0], in[0], in[0], nn.CausalMask())
		}),
		"attention.sizes": of(&sizes, three),
		"transformer": of(nn.NewTransformerEncoder(2, 8, 2, nn.WithMLPDims(12)), func(e *nn.TransformerEncoder, s *mlx.Scope, in []mlx.Array) mlx.Array {
			return e.Forward(s, in[0], nn.ArrayMask(causal), nil)
		}),
		"transformer.last": of(nn.NewTransformerEncoderLayer(8, 2, nn.WithActivation(nn.GELU), nn.WithNormLast()),
			func(l *nn.TransformerEncoderLayer, s *mlx.Scope, in []mlx.Array) mlx.Array {
				return l.Forward(s, in[0], nn.Mask{}, nil)
			}),
		"sequential": unary(nn.NewSequential(&nn.Linear{In: 8, Out: 5}, nn.Activation(nn.ReLU), &nn.Linear{In: 5, Out: 3})),
	}
}

func trainBatchNorm(n *nn.BatchNorm, s *mlx.Scope, in []mlx.Array) mlx.Array {
	y, _, _ := n.Train(s, in[0])
	return y
}

// Outputs, gradients by the inputs and gradients by every parameter are those of
// mlx.nn, whose names the parameters have.
func TestLayersEqualMLXNN(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		all := subjects(r.Arrays["causal/mask"])
		for _, name := range r.Cases("") {
			if strings.HasPrefix(name, "act.") || strings.HasPrefix(name, "quantize.") || name == "dropout" {
				continue
			}
			sub, ok := all[name]
			require.True(t, ok, name)
			delete(all, name)
			requireLayer(r, name, sub)
		}
		require.Empty(t, all)
	})
}

// requireLayer loads a layer as it is in the dump and compares.
func requireLayer(r *reftest.Reference, name string, sub subject) {
	r.T.Helper()
	owner := r.Thread.NewOwner(name)
	defer owner.Close()
	if sub.model != nil {
		loadTrainable(r, name, sub.model, owner)
	}
	r.RequireGradients(name, sub.forward)
	want := r.Named(name + "/g.")
	params := nn.Trainable(sub.model)
	require.Len(r.T, params, len(want), "%s: %v", name, params.Names())
	if len(params) == 0 {
		return
	}
	all, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
		loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
			return r.Loss(s, name, sub.forward(s, r.Inputs(name)))
		})
		return append(grads, loss)
	})
	require.NoError(r.T, err, name)
	defer mlx.CloseAll(all...)
	for i, p := range params {
		r.RequireClose(name+"/g."+p.Name, all[i])
	}
}

// loadTrainable loads the weights of a case.
func loadTrainable(r *reftest.Reference, name string, model any, owner *mlx.Owner) {
	r.T.Helper()
	policy := nn.Policy{Dtype: mlx.Float32, Trainable: true}
	weights := nn.Arrays{Named: r.Named(name + "/w.")}
	require.NoError(r.T, nn.Load(r.T.Context(), r.Thread, model, weights, policy, owner), name)
}

// The statistics that a BatchNorm learns are those of mlx.nn, and Update assigns
// them.
func TestBatchNormLearnsStatistics(t *testing.T) {
	for _, name := range []string{"batchnorm.train", "batchnorm.train2"} {
		reftest.Do(t, mlxnn, func(r *reftest.Reference) {
			owner := r.Thread.NewOwner(name)
			defer owner.Close()
			n := &nn.BatchNorm{Dims: 4, Momentum: 0.3}
			loadTrainable(r, name, n, owner)
			for _, l := range nn.Parameters(n).Under("running_mean", "running_var") {
				require.True(t, l.Frozen())
			}
			_, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
				values, _ := nn.ValuesAndGrad(s, nn.Trainable(n), func(s *mlx.Scope) []mlx.Array {
					y, mean, variance := n.Train(s, r.Inputs(name)[0])
					return []mlx.Array{s.Sum(y, false), mean, variance}
				})
				_, mean, variance := nn.Three(values)
				n.Update(s, mean, variance)
				return nil
			})
			require.NoError(t, err)
			for param, want := range map[string]string{"running_mean": "mean", "running_var": "var"} {
				l, ok := nn.Parameters(n).Find(param)
				require.True(t, ok)
				r.RequireClose(name+"/"+want, l.Array())
			}
		})
	}
}

// axis fixes the axis of an activation.
func axis(f func(*mlx.Scope, mlx.Array, int) mlx.Array, axis int) nn.Activation {
	return func(s *mlx.Scope, x mlx.Array) mlx.Array { return f(s, x, axis) }
}

// with fixes the number of an activation.
func with(f func(*mlx.Scope, mlx.Array, float64) mlx.Array, v float64) nn.Activation {
	return func(s *mlx.Scope, x mlx.Array) mlx.Array { return f(s, x, v) }
}

var activations = map[string]nn.Activation{
	"relu": nn.ReLU, "relu2": nn.ReLU2, "relu6": nn.ReLU6, "leaky_relu": with(nn.LeakyReLU, 0.01), "leaky_relu.slope": with(nn.LeakyReLU, 0.2),
	"elu": with(nn.ELU, 1), "elu.alpha": with(nn.ELU, 0.7), "celu": with(nn.CELU, 1), "celu.alpha": with(nn.CELU, 0.7), "selu": nn.SELU,
	"silu": nn.SiLU, "gelu": nn.GELU, "gelu_approx": nn.GELUApprox, "gelu_fast_approx": nn.GELUFastApprox,
	"glu": axis(nn.GLU, -1), "glu.axis": axis(nn.GLU, 0), "mish": nn.Mish, "hardswish": nn.Hardswish, "softplus": nn.Softplus,
	"softsign": nn.Softsign, "softshrink": with(nn.Softshrink, 0.5), "hard_shrink": with(nn.HardShrink, 0.5),
	"log_sigmoid": nn.LogSigmoid, "log_softmax": axis(nn.LogSoftmax, -1), "log_softmax.axis": axis(nn.LogSoftmax, 0),
	"softmin": axis(nn.Softmin, -1), "softmin.axis": axis(nn.Softmin, 0), "step": with(nn.Step, 0.5),
	"hard_tanh": func(s *mlx.Scope, x mlx.Array) mlx.Array { return nn.HardTanh(s, x, -1, 1) },
	"tanh":      (*mlx.Scope).Tanh, "sigmoid": (*mlx.Scope).Sigmoid,
	"softmax": func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.SoftmaxAxis(x, -1, false) },
}

// Activations and their gradients are mlx.nn's, at their edges too.
func TestActivationsEqualMLXNN(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		for _, name := range r.Cases("act.") {
			if name == "act.prelu" {
				r.RequireGradients(name, func(s *mlx.Scope, in []mlx.Array) mlx.Array { return nn.PReLU(s, in[0], in[1]) })
				continue
			}
			f, ok := activations[strings.TrimPrefix(name, "act.")]
			require.True(t, ok, name)
			r.RequireGradients(name, func(s *mlx.Scope, in []mlx.Array) mlx.Array { return f(s, in[0]) })
		}
		require.Len(t, r.Cases("act."), len(activations)+1)
	})
}

// Half precision stays half precision.
func TestActivationsKeepDtype(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		for name, f := range activations {
			y, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array {
				return f(s, s.AsType(r.Arrays["act.relu/in.0"], mlx.Float16))
			})
			require.NoError(t, err, name)
			dtype, err := y.Dtype()
			require.NoError(t, err)
			if name != "step" {
				require.Equal(t, mlx.Float16, dtype, name)
			}
			require.NoError(t, y.Close())
		}
	})
}

// Equal seeds drop what mlx.nn drops; without keys nothing is dropped.
func TestDropoutEqualsMLXNN(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		x := r.Inputs("dropout")[0]
		r.Require("dropout/out", func(s *mlx.Scope) mlx.Array {
			keys := mlx.NewKeys(s, 3)
			d := nn.Dropout{P: 0.25}
			return s.ConcatenateAxis([]mlx.Array{d.Forward(s, x, keys), d.Forward(s, x, keys), nn.Dropout2d{P: 0.5}.Forward(s, x, keys)}, 0)
		})
		r.Require("dropout/in.0", func(s *mlx.Scope) mlx.Array {
			return nn.Dropout2d{P: 0.5}.Forward(s, nn.Dropout{P: 0.25}.Forward(s, x, nil), nil)
		})
	})
}

// What layers cannot take is an error of the Build that names them.
func TestLayersRefuse(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		for want, f := range map[string]func(s *mlx.Scope, x mlx.Array) mlx.Array{
			"nn: dropout: 1 is not in [0, 1)": func(s *mlx.Scope, x mlx.Array) mlx.Array { return nn.Dropout{P: 1}.Forward(s, x, nil) },
			"nn: pool: kernel [0], stride [0] and padding [0] cannot be": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return nn.MaxPool1d{}.Forward(s, x)
			},
			"nn: pool: an input [2 5 8] is smaller than the window [6]": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return nn.AvgPool1d{Kernel: 6}.Forward(s, x)
			},
			"nn: pool: no input of 3 dimensions": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return nn.AvgPool2d{Kernel: nn.Both(1)}.Forward(s, x)
			},
			"nn: GroupNorm: 3 groups do not divide 8 channels": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return (&nn.GroupNorm{Groups: 3, NoAffine: true}).Forward(s, x)
			},
			"nn: SinusoidalPositionalEncoding: 3 dimensions are not even": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return nn.SinusoidalPositionalEncoding{Dims: 3}.Forward(s, x)
			},
			"nn: BatchNorm: training needs more than one value a channel": func(s *mlx.Scope, x mlx.Array) mlx.Array {
				y, _, _ := (&nn.BatchNorm{}).Train(s, s.Slice(s.Reshape(x, 10, 8), []int{0, 0}, []int{1, 8}, []int{1, 1}))
				return y
			},
			"nn: mask: dtype": func(s *mlx.Scope, _ mlx.Array) mlx.Array { return nn.AdditiveCausalMask(s, 2, mlx.Int8) },
		} {
			_, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array { return f(s, r.Arrays["linear/in.0"]) })
			require.ErrorContains(t, err, want, fmt.Sprint(want))
		}
	})
}
