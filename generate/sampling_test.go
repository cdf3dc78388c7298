package generate

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// samplingReference is testdata/sampling.json (sampling.py): rows of logits, and
// what mlx_lm.sample_utils keeps of each, null for minus infinity.
type samplingReference struct {
	Logits map[string][]*float32
	Greedy map[string]uint32
	Cases  []struct {
		Options struct {
			TopP float64 `json:"top_p"`
			MinP float64 `json:"min_p"`
			TopK int     `json:"top_k"`
		}
		Kept map[string][]*float32
	}
}

func readSampling(t *testing.T) (ref samplingReference, names []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/sampling.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &ref))
	names = slices.Sorted(maps.Keys(ref.Logits))
	require.Greater(t, len(names), 10)
	require.Greater(t, len(ref.Cases), 15)
	return ref, names
}

// numbers is a row with minus infinity for null.
func numbers(row []*float32) []float32 {
	out := make([]float32, len(row))
	for i, v := range row {
		if out[i] = float32(math.Inf(-1)); v != nil {
			out[i] = *v
		}
	}
	return out
}

// compute evaluates an array of logits [B, V], of all rows one below the other.
func compute[T mlx.Element](t *testing.T, rows [][]float32, fn func(s *mlx.Scope, logits mlx.Array) mlx.Array) []T {
	t.Helper()
	leaktest.Check(t)
	var out []T
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		logits, err := mlx.FromSlice(th, slices.Concat(rows...), len(rows), len(rows[0]))
		if err != nil {
			return err
		}
		defer logits.Close()
		a, err := th.Build(func(s *mlx.Scope) mlx.Array { return fn(s, logits) })
		if err != nil {
			return err
		}
		defer a.Close()
		out, err = mlx.Values[T](th, a)
		return err
	}))
	return out
}

// Every filter and every combination keeps the tokens that mlx-lm keeps, with
// their log-probabilities, each row of a batch for itself.
func TestFiltersEqualReference(t *testing.T) {
	ref, names := readSampling(t)
	var rows [][]float32
	for _, name := range names {
		rows = append(rows, numbers(ref.Logits[name]))
	}
	width := len(rows[0])
	for _, c := range ref.Cases {
		p := Sampling{Temperature: 1, TopP: c.Options.TopP, MinP: c.Options.MinP, TopK: c.Options.TopK}
		have := compute[float32](t, rows, p.filter)
		for i, name := range names {
			want, row := numbers(c.Kept[name]), have[i*width:(i+1)*width]
			if p.TopK > 0 { // of equal tokens any may be dropped
				slices.Sort(want)
				slices.Sort(row)
			}
			for v := range want {
				if math.IsInf(float64(want[v]), -1) {
					require.Equal(t, want[v], row[v], "%+v: %s: token %d is kept", c.Options, name, v)
					continue
				}
				require.InDelta(t, want[v], row[v], 1e-6*max(1, math.Abs(float64(want[v]))),
					"%+v: %s: token %d", c.Options, name, v)
			}
		}
	}
}

// Of equal tokens the first is the greedy one.
func TestGreedyEqualsReference(t *testing.T) {
	ref, names := readSampling(t)
	var rows [][]float32
	var want []uint32
	for _, name := range names {
		rows, want = append(rows, numbers(ref.Logits[name])), append(want, ref.Greedy[name])
	}
	have := compute[uint32](t, rows, func(s *mlx.Scope, logits mlx.Array) mlx.Array {
		return Sampling{TopP: 0.5, TopK: 3, MinP: 0.1}.Sample(s, logits, mlx.Array{})
	})
	require.Equal(t, want, have)
}

// Keeping as many tokens as there are, or more, keeps all.
func TestTopKOfAllTokens(t *testing.T) {
	rows := [][]float32{{0, 0, 0}}
	for _, k := range []int{3, 4, math.MaxInt} {
		third := float32(math.Log(1. / 3))
		have := compute[float32](t, rows, Sampling{Temperature: 1, TopK: k}.filter)
		require.InDeltaSlice(t, []float32{third, third, third}, have, 1e-6)
	}
}

// However low the temperature and whatever the logits' type, the likeliest token
// comes out; however high, any may.
func TestExtremeTemperatures(t *testing.T) {
	rows := [][]float32{{0, 1, 4, 5, -3, 2, 1, 1}, {0, 0, 60, 0, 0, 0, 0, 0}}
	for _, dtype := range []mlx.Dtype{mlx.Float32, mlx.Float16, mlx.BFloat16} {
		for _, temperature := range []float64{5e-324, 1e-300, 1e-39, 1e-38, 1e-6, 1e-5, 1e-4, 9e-4, 1e-3, 1e-2} {
			have := compute[uint32](t, rows, func(s *mlx.Scope, logits mlx.Array) mlx.Array {
				return Sampling{Temperature: temperature}.Sample(s, s.AsType(logits, dtype), s.RandomKey(1))
			})
			require.Equal(t, []uint32{3, 2}, have, "%v, %v", dtype, temperature)
		}
	}
	flat := make([]float64, 8)
	for i := range flat {
		flat[i] = 1. / 8
	}
	for _, temperature := range []float64{1e10, 1e39, math.MaxFloat64} {
		p := Sampling{Temperature: temperature}
		have := compute[uint32](t, slices.Repeat(rows[:1], 2000), func(s *mlx.Scope, logits mlx.Array) mlx.Array {
			return p.Sample(s, logits, s.RandomKey(1))
		})
		requireFrequencies(t, flat, have, "hot", p)
	}
}

// Two thousand draws: only tokens that the reference keeps, each as often as the
// temperature makes of its probability.
func TestDrawsFollowProbabilities(t *testing.T) {
	const seeds, draws = 4, 500
	ref, _ := readSampling(t)
	for _, name := range []string{"narrow", "wide", "ties", "equal", "banned tokens", "two at the top"} {
		rows := slices.Repeat([][]float32{numbers(ref.Logits[name])}, draws)
		for _, c := range ref.Cases {
			if c.Options.TopK > 0 && (name == "ties" || name == "equal" || name == "two at the top") {
				continue // any of the equal ones may be drawn
			}
			for _, temperature := range []float64{0.6, 1, 2.5} {
				p := Sampling{Temperature: temperature, TopP: c.Options.TopP, MinP: c.Options.MinP, TopK: c.Options.TopK}
				var tokens []uint32
				for seed := range uint64(seeds) {
					tokens = append(tokens, compute[uint32](t, rows, func(s *mlx.Scope, logits mlx.Array) mlx.Array {
						return p.Sample(s, logits, s.RandomKey(seed))
					})...)
				}
				requireFrequencies(t, tempered(numbers(c.Kept[name]), temperature), tokens, name, p)
			}
		}
	}
}

// tempered is softmax(logprobs/temperature).
func tempered(logprobs []float32, temperature float64) []float64 {
	out, sum := make([]float64, len(logprobs)), 0.0
	for i, v := range logprobs {
		out[i] = math.Exp(float64(v) / temperature)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// requireFrequencies allows each count five standard deviations, and one draw:
// with fixed seeds that holds always or never.
func requireFrequencies(t *testing.T, probs []float64, tokens []uint32, name string, p Sampling) {
	t.Helper()
	counts := make([]float64, len(probs))
	for _, v := range tokens {
		counts[v]++
	}
	n := float64(len(tokens))
	for v, prob := range probs {
		if prob == 0 {
			require.Zero(t, counts[v], "%s, %+v: token %d was dropped", name, p, v)
			continue
		}
		require.InDelta(t, n*prob, counts[v], 5*math.Sqrt(n*prob*(1-prob))+1, "%s, %+v: token %d", name, p, v)
	}
}
