package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// Python draws the same numbers from the same key.
func TestRandomWithAKey(t *testing.T) {
	const f32 = bindings.Float32
	scalar := func(r refs, v float32) array { return r.array(bindings.NewArrayFloat(v)) }
	shape := []int32{2, 3}
	ops{
		"RandomKey":      func(refs) ([]array, error) { return one(bindings.RandomKey(7)) },
		"RandomSplit":    func(r refs) ([]array, error) { return two(bindings.RandomSplit(r.key, r.s)) },
		"RandomSplitNum": func(r refs) ([]array, error) { return one(bindings.RandomSplitNum(r.key, 3, r.s)) },
		"RandomBernoulli": func(r refs) ([]array, error) {
			return one(bindings.RandomBernoulli(scalar(r, 0.3), []int32{3, 4}, r.key, r.s))
		},
		"RandomCategorical": func(r refs) ([]array, error) {
			return one(bindings.RandomCategorical(r.t, 1, r.key, r.s))
		},
		"RandomCategoricalShape": func(r refs) ([]array, error) {
			return one(bindings.RandomCategoricalShape(r.y, 1, []int32{4, 2}, r.key, r.s))
		},
		"RandomCategoricalNumSamples": func(r refs) ([]array, error) {
			return one(bindings.RandomCategoricalNumSamples(r.y, 1, 5, r.key, r.s))
		},
		"RandomGumbel": func(r refs) ([]array, error) { return one(bindings.RandomGumbel(shape, f32, r.key, r.s)) },
		"RandomLaplace": func(r refs) ([]array, error) {
			return one(bindings.RandomLaplace(shape, f32, 1, 2, r.key, r.s))
		},
		"RandomNormal": func(r refs) ([]array, error) {
			return one(bindings.RandomNormal(shape, f32, 1, 2, r.key, r.s))
		},
		"RandomNormalBroadcast": func(r refs) ([]array, error) {
			return one(bindings.RandomNormalBroadcast(shape, f32, r.x, r.y, r.key, r.s))
		},
		"RandomPermutation": func(r refs) ([]array, error) {
			return one(bindings.RandomPermutation(r.t, 1, r.key, r.s))
		},
		"RandomPermutationArange": func(r refs) ([]array, error) {
			return one(bindings.RandomPermutationArange(6, r.key, r.s))
		},
		"RandomRandint": func(r refs) ([]array, error) {
			low, high := r.array(bindings.NewArrayInt(-5)), r.array(bindings.NewArrayInt(50))
			return one(bindings.RandomRandint(low, high, shape, bindings.Int32, r.key, r.s))
		},
		"RandomTruncatedNormal": func(r refs) ([]array, error) {
			return one(bindings.RandomTruncatedNormal(scalar(r, -1), scalar(r, 2), shape, f32, r.key, r.s))
		},
		"RandomUniform": func(r refs) ([]array, error) {
			return one(bindings.RandomUniform(scalar(r, -1), scalar(r, 2), shape, f32, r.key, r.s))
		},
	}.compare(t)
}

// Without a key MLX draws from the thread's own state.
func TestRandomSeedRepeats(t *testing.T) {
	k := begin(t)
	draw := func() []float32 {
		require.NoError(t, bindings.RandomSeed(11))
		return k.read(k.array(bindings.RandomNormal([]int32{4}, bindings.Float32, 0, 1, array{}, k.s)))
	}
	first := draw()
	require.Equal(t, first, draw())
	next := k.read(k.array(bindings.RandomNormal([]int32{4}, bindings.Float32, 0, 1, array{}, k.s)))
	require.NotEqual(t, first, next)
}

func TestRandomBitsFillTheirWidth(t *testing.T) {
	k := begin(t)
	key := k.array(bindings.RandomKey(7))
	for width, want := range map[int32]bindings.Dtype{1: bindings.Uint8, 2: bindings.Uint16, 4: bindings.Uint32} {
		a := k.array(bindings.RandomBits([]int32{1000}, width, key, k.s))
		dtype, err := a.Dtype()
		require.NoError(t, err)
		require.Equal(t, want, dtype)
		// A thousand draws set and clear every bit.
		for _, reduce := range []func(array, bool, stream) (array, error){bindings.Max, bindings.Min} {
			end := k.array(bindings.AsType(k.array(reduce(a, false, k.s)), bindings.Float32, k.s))
			v := float64(k.read(end)[0]) / float64(uint64(1)<<(8*width))
			require.True(t, v < 0.05 || v > 0.95, "width %d: %v", width, v)
		}
	}
	_, err := bindings.RandomBits([]int32{2}, 3, key, k.s)
	k.fails(err, "random_bits", "", 1)
}

// The covariance of 20,000 draws is near the one asked for.
func TestRandomMultivariateNormal(t *testing.T) {
	k := begin(t)
	mean, cov := k.floats([]float32{1, -2}), k.floats([]float32{2, 0.6, 0.6, 0.5}, 2, 2)
	key := k.array(bindings.RandomKey(3))
	const n = 20000
	draws := k.read(k.array(bindings.RandomMultivariateNormal(mean, cov, []int32{n}, bindings.Float32, key, k.s)))
	require.Len(t, draws, 2*n)
	var m [2]float64
	for i, d := range draws {
		m[i%2] += float64(d) / n
	}
	require.InDelta(t, 1, m[0], 0.05)
	require.InDelta(t, -2, m[1], 0.05)
	var c [2][2]float64
	for i := 0; i < len(draws); i += 2 {
		d := [2]float64{float64(draws[i]) - m[0], float64(draws[i+1]) - m[1]}
		for a := range d {
			for b := range d {
				c[a][b] += d[a] * d[b] / n
			}
		}
	}
	for i, want := range []float64{2, 0.6, 0.6, 0.5} {
		require.InDelta(t, want, c[i/2][i%2], 0.08)
	}
}

func TestRandomNeedsAKeyOfTheRightShape(t *testing.T) {
	k := begin(t)
	_, err := bindings.RandomGumbel([]int32{2}, bindings.Float32, k.floats([]float32{1, 2}), k.s)
	k.fails(err, "random_gumbel", "Expected key type uint32", 1)
	_, _, err = bindings.RandomSplit(array{}, k.s)
	k.fails(err, "random_split", "non-empty mlx_array", 1)
}
