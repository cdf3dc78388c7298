package optim

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A state that was saved goes on as if it had never been, to the bit; a file of
// another optimizer is refused and changes nothing.
func TestStateGoesOn(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		file := filepath.Join(t.TempDir(), "optimizer.safetensors")
		params := made(t, th, owner, mlx.BFloat16)
		st, err := NewState(th, NewAdamW(), params, owner)
		require.NoError(t, err)
		for n := range 3 {
			step(t, th, st, params, n, 0.01)
		}
		require.NoError(t, mlx.SaveSafetensors(th, file, st.Arrays(), nil))
		again := made(t, th, owner, mlx.BFloat16)
		other, err := NewState(th, NewAdamW(), again, owner)
		require.NoError(t, err)
		for n := range 3 {
			step(t, th, other, again, n, 0.01) // the parameters; the state is read
		}
		fresh, err := NewState(th, NewAdamW(), again, owner)
		require.NoError(t, err)
		require.NoError(t, fresh.Load(th, file))
		for n := 3; n < 6; n++ {
			step(t, th, st, params, n, 0.01)
			step(t, th, fresh, again, n, 0.01)
		}
		for name, a := range st.Arrays() {
			require.Equal(t, bits(t, th, a), bits(t, th, fresh.Arrays()[name]), name)
		}
		for i := range params {
			require.Equal(t, bits(t, th, params[i].Array()), bits(t, th, again[i].Array()))
		}

		lion, err := NewState(th, NewLion(), params, owner)
		require.NoError(t, err)
		before := *lion.Slots()[1]
		err = lion.Load(th, file)
		require.ErrorContains(t, err, "optimizer.safetensors: matrix.v is no part of the state")
		require.ErrorContains(t, err, "vector.v is no part of the state")
		require.Equal(t, before, *lion.Slots()[1])
		wide, err := NewState(th, NewAdam(), made(t, th, owner, mlx.Float32), owner)
		require.NoError(t, err)
		require.ErrorContains(t, wide.Load(th, file), "matrix.m is [6 4] bfloat16, want [6 4] float32")
	})
}

// Numbers that MLX refuses are refused before anything is made.
func TestNewStateRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		params := made(t, th, owner, mlx.Float32)
		for want, o := range map[string]Optimizer{
			"optim: optim.SGD: nesterov: needs a momentum and no dampening":      SGD{Nesterov: true},
			"optim: optim.SGD: momentum: -1 is not a number":                     SGD{Momentum: -1},
			"optim: optim.Adam: betas: 1 is not a number that it may be":         Adam{Betas: [2]float64{0.9, 1}},
			"optim: optim.AdamW: eps: -1 is not a number":                        AdamW{Adam: Adam{Eps: -1}},
			"optim: optim.AdamW: weight_decay: NaN is not a number":              AdamW{WeightDecay: math.NaN()},
			"optim: optim.Lion: betas: -0.5 is not a number":                     Lion{Betas: [2]float64{-0.5, 0.9}},
			"optim: optim.Adafactor: clip_threshold: 0 is not a number":          Adafactor{},
			"optim: optim.Muon: ns_steps: 100000 is not a number that it may be": Muon{Steps: 100_000},
			"optim: optim.Matrices: ns_steps: -1 is not a number":                Matrices{Muon{Steps: -1}, NewAdam()},
			"optim: optim.Matrices: one of the optimizers is nil":                Matrices{Matrix: NewMuon()},
		} {
			_, err := NewState(th, o, params, owner)
			require.ErrorContains(t, err, want)
		}
	})
}

// own is an optimizer that does not do as it says.
type own struct{ SGD }

func (own) For(name string, _ []int) Optimizer {
	if name == "cube" {
		return nil
	}
	return own{}
}

func (o own) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return zeros(s, p, 2) }

// forgetful loses its state.
type forgetful struct{ Adam }

func (o forgetful) Update(_ *mlx.Scope, p, _ mlx.Array, _ []mlx.Array, _ At) (mlx.Array, []mlx.Array) {
	return p, nil
}

// Optimizers of one's own that break their word are errors that name the parameter.
func TestOwnOptimizers(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		params := made(t, th, owner, mlx.Float32)
		_, err := NewState(th, own{}, params, owner)
		require.ErrorContains(t, err, "optim.own keeps 2 arrays for matrix and names 1")
		_, err = NewState(th, own{}, params[3:], owner)
		require.ErrorContains(t, err, "optim: no optimizer for cube")
		st, err := NewState(th, forgetful{NewAdam()}, params, owner)
		require.NoError(t, err)
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			st.Update(s, gradients(s, params, 0), s.Scalar(0.1, mlx.Float32))
			return nil
		})
		require.ErrorContains(t, err, "optim.forgetful returns 0 arrays for matrix, want 2")
	})
}

func bits(t *testing.T, th *mlx.Thread, a mlx.Array) string {
	t.Helper()
	text, err := mlx.Format(th, a)
	require.NoError(t, err)
	return text
}

// Whichever operation of an update fails, nothing has changed and nothing leaks.
func TestUpdateFails(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("test")
		defer owner.Close()
		for name, o := range map[string]Optimizer{"adamw": NewAdamW(), "muon": NewMuon(), "adafactor": NewAdafactor()} {
			params := made(t, th, owner, mlx.Float32)
			st, err := NewState(th, o, params, owner)
			require.NoError(t, err)
			handles, live := params.Arrays(), mlx.Live()
			for n, more := 1, true; more; n++ {
				boom := fmt.Errorf("%s: operation %d", name, n)
				th.FailAt(n, boom)
				_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					st.Update(s, gradients(s, params, 0), s.Scalar(0.1, mlx.Float32))
					return nil
				})
				th.FailAt(0, nil)
				if more = err != nil; more {
					require.ErrorIs(t, err, boom)
					require.Equal(t, handles, params.Arrays())
					require.Equal(t, live, mlx.Live())
				} else {
					require.Greater(t, n, 10)
				}
			}
		}
		params := made(t, th, owner, mlx.Float32)
		st, err := NewState(th, NewAdam(), params, owner)
		require.NoError(t, err)
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			st.Update(s, nil, s.Scalar(0.1, mlx.Float32))
			return nil
		})
		require.ErrorContains(t, err, "optim: 0 gradients for 4 parameters")
	})
}
