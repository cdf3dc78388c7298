package losses_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type loss2 = func(s *mlx.Scope, a, b mlx.Array, opts ...losses.Option) mlx.Array

type loss3 = func(s *mlx.Scope, a, b, c mlx.Array, opts ...losses.Option) mlx.Array

// of2 and of3 fix the options of a loss.
func of2(f loss2, opts ...losses.Option) reftest.Func {
	return func(s *mlx.Scope, in []mlx.Array) mlx.Array { return f(s, in[0], in[1], opts...) }
}

func of3(f loss3, opts ...losses.Option) reftest.Func {
	return func(s *mlx.Scope, in []mlx.Array) mlx.Array { return f(s, in[0], in[1], in[2], opts...) }
}

// weighted is a loss whose third input is the weights.
func weighted(f loss2, opts ...losses.Option) reftest.Func {
	return func(s *mlx.Scope, in []mlx.Array) mlx.Array {
		return f(s, in[0], in[1], append(opts, losses.Weights(in[2]))...)
	}
}

var cases = map[string]reftest.Func{
	"cross_entropy":                of2(losses.CrossEntropy),
	"cross_entropy.probs":          of2(losses.CrossEntropy),
	"cross_entropy.weights":        weighted(losses.CrossEntropy, losses.Mean),
	"cross_entropy.smooth":         of2(losses.CrossEntropy, losses.LabelSmoothing(0.3), losses.Sum),
	"cross_entropy.smoothprobs":    of2(losses.CrossEntropy, losses.LabelSmoothing(0.3)),
	"cross_entropy.axis":           of2(losses.CrossEntropy, losses.Axis(1)),
	"binary_cross_entropy":         of2(losses.BinaryCrossEntropy),
	"binary_cross_entropy.probs":   weighted(losses.BinaryCrossEntropy, losses.Probabilities(), losses.None),
	"binary_cross_entropy.clipped": of2(losses.BinaryCrossEntropy, losses.Probabilities(), losses.None),
	"l1":                           of2(losses.L1),
	"mse":                          of2(losses.MSE),
	"mse.sum":                      of2(losses.MSE, losses.Sum),
	"nll":                          of2(losses.NLL),
	"nll.axis":                     of2(losses.NLL, losses.Axis(0), losses.Mean),
	"gaussian_nll":                 of3(losses.GaussianNLL),
	"gaussian_nll.full":            of3(losses.GaussianNLL, losses.Full(), losses.Eps(0.5), losses.None),
	"kl_div":                       of2(losses.KLDiv),
	"kl_div.axis":                  of2(losses.KLDiv, losses.Axis(0), losses.Sum),
	"smooth_l1":                    of2(losses.SmoothL1),
	"smooth_l1.beta":               of2(losses.SmoothL1, losses.Beta(2.5), losses.None),
	"triplet":                      of3(losses.Triplet),
	"triplet.all":                  of3(losses.Triplet, losses.Axis(0), losses.P(3), losses.Margin(0.5), losses.Eps(0.01), losses.Mean),
	"hinge":                        of2(losses.Hinge),
	"huber":                        of2(losses.Huber),
	"huber.delta":                  of2(losses.Huber, losses.Delta(0.7), losses.Mean),
	"log_cosh":                     of2(losses.LogCosh),
	"cosine_similarity":            of2(losses.CosineSimilarity),
	"cosine_similarity.axis":       of2(losses.CosineSimilarity, losses.Axis(0), losses.Eps(30), losses.Sum),
	"margin_ranking":               of3(losses.MarginRanking),
	"margin_ranking.margin":        of3(losses.MarginRanking, losses.Margin(0.4), losses.Mean),
}

// Values and gradients are those of mlx.nn.losses, for every case of the dump.
func TestLossesEqualReference(t *testing.T) {
	reftest.Do(t, "testdata/losses.safetensors", func(r *reftest.Reference) {
		for _, name := range r.Cases("") {
			f, ok := cases[name]
			require.True(t, ok, name)
			r.RequireGradients(name, f)
		}
		require.Len(t, r.Cases(""), len(cases))
	})
}

// A loss of half precision stays in half precision.
func TestLossesKeepDtype(t *testing.T) {
	reftest.Do(t, "testdata/losses.safetensors", func(r *reftest.Reference) {
		for name, f := range cases {
			y, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array {
				in := r.Inputs(name)
				for i, x := range in {
					if s.DtypeOf(x) == mlx.Float32 {
						in[i] = s.AsType(x, mlx.BFloat16)
					}
				}
				return f(s, in)
			})
			require.NoError(t, err, name)
			dtype, err := y.Dtype()
			require.NoError(t, err)
			require.Equal(t, mlx.BFloat16, dtype, name)
			require.NoError(t, y.Close())
		}
	})
}

// What does not fit is an error of the Build that names the loss.
func TestLossesRefuse(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for want, build := range map[string]func(s *mlx.Scope, x, y, ids mlx.Array) mlx.Array{
			"losses: l1: shapes [2 3] and [3 2] differ": func(s *mlx.Scope, x, y, _ mlx.Array) mlx.Array { return losses.L1(s, x, y) },
			"losses: mse: there is no option Margin": func(s *mlx.Scope, x, _, _ mlx.Array) mlx.Array {
				return losses.MSE(s, x, x, losses.Margin(1))
			},
			"losses: cross_entropy: targets [3 2] do not fit logits [2 3]": func(s *mlx.Scope, x, y, _ mlx.Array) mlx.Array {
				return losses.CrossEntropy(s, x, y)
			},
			"losses: cross_entropy: targets [2] do not fit logits [2 3]": func(s *mlx.Scope, x, _, ids mlx.Array) mlx.Array {
				return losses.CrossEntropy(s, x, ids, losses.Axis(0))
			},
			"losses: cross_entropy: axis 2 is out of range for logits [2 3]": func(s *mlx.Scope, x, _, ids mlx.Array) mlx.Array {
				return losses.CrossEntropy(s, x, ids, losses.Axis(2))
			},
			"losses: cross_entropy: label smoothing 1 is not in [0, 1)": func(s *mlx.Scope, x, _, ids mlx.Array) mlx.Array {
				return losses.CrossEntropy(s, x, ids, losses.LabelSmoothing(1))
			},
			"losses: cross_entropy: shapes [2 3] and [2] differ": func(s *mlx.Scope, x, _, ids mlx.Array) mlx.Array {
				return losses.CrossEntropy(s, x, ids, losses.Weights(x))
			},
			`losses: l1: reduction "median" is none of none, mean and sum`: func(s *mlx.Scope, x, _, _ mlx.Array) mlx.Array {
				return losses.L1(s, x, x, losses.Reduction("median"))
			},
		} {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				return build(s, s.Zeros([]int{2, 3}, mlx.Float32), s.Zeros([]int{3, 2}, mlx.Float32), s.Zeros([]int{2}, mlx.Int32))
			})
			require.ErrorContains(t, err, want)
		}
	})
}

// Whichever operation of a loss fails, its error comes back and nothing stays
// open.
func TestEveryOperationOfALossMayFail(t *testing.T) {
	reftest.Do(t, "testdata/losses.safetensors", func(r *reftest.Reference) {
		for name, f := range cases {
			for n, more := 1, true; more; n++ {
				live, boom := mlx.Live(), fmt.Errorf("operation %d", n)
				r.Thread.FailAt(n, boom)
				y, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array { return f(s, r.Inputs(name)) })
				r.Thread.FailAt(0, nil)
				if more = errors.Is(err, boom); !more {
					require.NoError(t, err, name)
					require.NoError(t, y.Close())
				}
				require.Equal(t, live, mlx.Live(), name)
			}
		}
	})
}
