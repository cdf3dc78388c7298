package runtime_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// doubled adds up 2x and has the rank of x in its graph only.
func doubled(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(s.Add(in[0], in[0]), false)} }

// call calls c and returns its only result.
func call(t *testing.T, th *mlx.Thread, c *mlx.Compiled, in ...mlx.Array) mlx.Array {
	t.Helper()
	return build(t, th, func(s *mlx.Scope) mlx.Array {
		out := c.Call(s, in...)
		if s.Err() != nil {
			return mlx.Array{}
		}
		require.Len(t, out, 1)
		return out[0]
	})
}

func TestRetraces(t *testing.T) {
	tests := map[string]struct {
		opts []mlx.CompileOption
		want []int // after each of the arguments below
	}{
		"by shape":  {nil, []int{0, 0, 1, 1, 2, 3, 3}},
		"shapeless": {[]mlx.CompileOption{mlx.Shapeless()}, []int{0, 0, 0, 0, 1, 2, 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				c := compile(t, th, doubled, tt.opts...)
				require.Zero(t, c.Retraces())
				inputs := arrays{
					slice(t, th, []float32{1, 2}),
					slice(t, th, []float32{3, 4}),
					slice(t, th, []float32{1, 2, 3}),
					slice(t, th, []float32{5, 6}),
					slice(t, th, []float32{1, 2, 3}, 3, 1), // another rank
					slice(t, th, []int32{1, 2}),            // another dtype
					slice(t, th, []float32{7, 8}),
				}
				for i, x := range inputs {
					sum := call(t, th, c, x)
					require.Equal(t, []float64{6, 14, 12, 22, 12, 6, 30}[i], asFloat(t, th, sum))
					require.Equal(t, tt.want[i], c.Retraces())
					require.NoError(t, x.Close())
				}
			})
		})
	}
}

// asFloat reads a scalar of any dtype and closes it.
func asFloat(t *testing.T, th *mlx.Thread, a mlx.Array) float64 {
	t.Helper()
	f := build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(a, mlx.Float64) })
	require.NoError(t, a.Close())
	return read[float64](t, th, f)[0]
}

// Momentum descent as a compiled step: weights and momentum are state, the data
// is not. Checked against the same steps without Compile.
func TestStateOfCompiledSteps(t *testing.T) {
	run := func(t *testing.T, th *mlx.Thread, compiled bool) (w, m []float32, c *mlx.Compiled) {
		o := th.NewOwner("state")
		defer o.Close()
		weight, momentum := o.Slot(slice(t, th, []float32{1, -1})), o.Slot(slice(t, th, []float32{0, 0}))
		loss := func(s *mlx.Scope, in arrays) arrays {
			return arrays{s.Mean(s.Square(s.Subtract(s.Matmul(in[1], in[0]), in[2])), false)}
		}
		step := func(s *mlx.Scope, in arrays) arrays {
			values, grads := mlx.ValueAndGrad(loss)(s, arrays{*weight, in[0], in[1]})
			if s.Err() != nil {
				return nil
			}
			next := s.Add(s.Multiply(*momentum, s.Scalar(0.9, mlx.Float32)), grads[0])
			s.Assign(momentum, next)
			s.Assign(weight, s.Subtract(*weight, s.Multiply(next, s.Scalar(0.1, mlx.Float32))))
			return values
		}
		if compiled {
			c = compile(t, th, step, mlx.WithState(weight, momentum))
			step = c.Apply
		}
		x, y := slice(t, th, []float32{1, 2, 0, 1, -1, 1}, 3, 2), slice(t, th, []float32{3, 1, 0})
		defer x.Close()
		defer y.Close()
		before, losses := mlx.Live(), []float32{}
		for range 12 {
			loss := build(t, th, func(s *mlx.Scope) mlx.Array { return step(s, arrays{x, y})[0] })
			losses = append(losses, read[float32](t, th, loss)...)
			require.Equal(t, before, mlx.Live())
		}
		require.Less(t, losses[11], losses[0]/2)
		w, err := mlx.Values[float32](th, *weight)
		require.NoError(t, err)
		m, err = mlx.Values[float32](th, *momentum)
		require.NoError(t, err)
		return w, m, c
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		wantW, wantM, _ := run(t, th, false)
		gotW, gotM, c := run(t, th, true)
		require.InDeltaSlice(t, wantW, gotW, 1e-6)
		require.InDeltaSlice(t, wantM, gotM, 1e-6)
		require.Zero(t, c.Retraces())
	})
}

// counter is a compiled function that adds its argument to a state.
func counter(t *testing.T, th *mlx.Thread) (*mlx.Compiled, *mlx.Array) {
	o := th.NewOwner("counter")
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	sum := o.Slot(slice(t, th, []float32{0}))
	return compile(t, th, func(s *mlx.Scope, in arrays) arrays {
		next := s.Add(*sum, in[0])
		s.Assign(sum, next)
		return arrays{s.Square(next)}
	}, mlx.WithState(sum)), sum
}

func TestCallsInOneBuildSeeEachOther(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c, sum := counter(t, th)
		x := slice(t, th, []float32{2})
		defer x.Close()
		out, err := th.BuildAll(func(s *mlx.Scope) arrays {
			return append(c.Call(s, x), c.Call(s, x)...)
		})
		require.NoError(t, err)
		require.Equal(t, []float32{4}, read[float32](t, th, out[0]))
		require.Equal(t, []float32{16}, read[float32](t, th, out[1]))
		v, err := mlx.Item[float32](th, *sum)
		require.NoError(t, err)
		require.Equal(t, float32(4), v)
	})
}

func TestFailedBuildChangesNoState(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c, sum := counter(t, th)
		x := slice(t, th, []float32{2})
		defer x.Close()
		old, boom := *sum, errors.New("boom")
		for range 2 {
			_, err := th.BuildAll(func(s *mlx.Scope) arrays {
				out := c.Call(s, x)
				s.Fail(boom)
				return out
			})
			require.ErrorIs(t, err, boom)
			require.Equal(t, old, *sum)
		}
		require.Equal(t, []float32{4}, read[float32](t, th, call(t, th, c, x)))
	})
}

// The state of a compiled function can be that of the one around it, but not
// change under another transformation.
func TestNestedState(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c, sum := counter(t, th)
		x := slice(t, th, []float32{2})
		defer x.Close()
		outer := compile(t, th, func(s *mlx.Scope, in arrays) arrays {
			out := c.Call(s, in...)
			return append(out, c.Call(s, in...)...)
		}, mlx.WithState(sum))
		for i := range 2 {
			out, err := th.BuildAll(func(s *mlx.Scope) arrays { return outer.Call(s, x) })
			require.NoError(t, err)
			require.Equal(t, []float32{[]float32{4, 36}[i]}, read[float32](t, th, out[0]))
			require.Equal(t, []float32{[]float32{16, 64}[i]}, read[float32](t, th, out[1]))
		}
		old := *sum
		_, err := th.BuildAll(func(s *mlx.Scope) arrays { return mlx.Grad(c.Apply)(s, arrays{x}) })
		require.ErrorContains(t, err, "not inside of a transformed function")
		require.Equal(t, old, *sum)
	})
}

// A donated buffer: the compiled step updates a large state in place, for Build
// closes the old handle before it is computed.
func TestCompiledStateIsUpdatedInPlace(t *testing.T) {
	const size = 1 << 22
	leaktest.Do(t, func(th *mlx.Thread) {
		o := th.NewOwner("large")
		defer o.Close()
		zeros, err := th.Zeros(mlx.Float32, size)
		require.NoError(t, err)
		state := o.Slot(zeros)
		c := compile(t, th, func(s *mlx.Scope, in arrays) arrays {
			s.Assign(state, s.Exp(s.Multiply(*state, in[0])))
			return nil
		}, mlx.WithState(state))
		x := slice(t, th, []float32{0.5}, []int{}...)
		defer x.Close()
		step := func() {
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
			require.NoError(t, err)
			require.NoError(t, th.Eval(*state))
		}
		step()
		active, err := th.ActiveMemory()
		require.NoError(t, err)
		require.NoError(t, th.ResetPeakMemory())
		step()
		peak, err := th.PeakMemory()
		require.NoError(t, err)
		require.Less(t, peak, active+4*size/2)
		require.Zero(t, c.Retraces())
	})
}

func TestErrorsDuringTraceLeaveNothingCached(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		var fail error
		o := th.NewOwner("state")
		defer o.Close()
		state := o.Slot(slice(t, th, []float32{1}))
		c := compile(t, th, func(s *mlx.Scope, in arrays) arrays {
			s.Assign(state, s.Add(*state, in[0]))
			s.Fail(fail)
			return in
		}, mlx.WithState(state))
		x, long := slice(t, th, []float32{5}), slice(t, th, []float32{5, 6})
		defer x.Close()
		defer long.Close()
		try := func(x mlx.Array) error {
			out, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
			require.NoError(t, mlx.CloseAll(out...))
			return err
		}
		old := *state
		fail = errors.New("boom")
		require.ErrorIs(t, try(x), fail)
		require.ErrorIs(t, try(x), fail)
		require.Equal(t, old, *state, "neither changed nor left with a stand-in")
		boom := fail
		fail = nil
		require.NoError(t, try(x))
		require.Equal(t, 2, c.Retraces(), "an error is not kept")
		fail = boom
		require.NoError(t, try(x), "what is traced does not run again")
		require.ErrorIs(t, try(long), boom)
		require.NoError(t, try(x), "an error for one shape leaves the others")
		v, err := mlx.Values[float32](th, *state)
		require.NoError(t, err)
		require.Equal(t, []float32{16}, v)
	})
}

func TestClosingWhatIsNotComputedYet(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		c, err := th.Compile(both(mlx.ValueAndGrad(mlx.CustomVJP(total, func(s *mlx.Scope, primals, _, _ []mlx.Array) []mlx.Array {
			return arrays{s.Negative(primals[0])}
		}))))
		require.NoError(t, err)
		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		out, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "twice")
		require.Equal(t, []float32{5}, read[float32](t, th, out[0]))
		require.Equal(t, []float32{-1, -2}, read[float32](t, th, out[1]))
		_, err = th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
		require.ErrorContains(t, err, "mlx: compile: the compiled function is closed (compile_test.go:")
	})
}

func TestMisuseOfCompile(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		o := th.NewOwner("state")
		defer o.Close()
		slot, empty := o.Slot(slice(t, th, []float32{1})), o.Slot(mlx.Array{})
		_, err := th.Compile(doubled, mlx.WithState(slot, nil))
		require.ErrorContains(t, err, "mlx: compile: state 1 is nil (compile_test.go:")
		_, err = th.Compile(doubled, mlx.WithState(slot), mlx.WithState(slot))
		require.ErrorContains(t, err, "state 1 was named before")

		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		fails := func(c *mlx.Compiled, says string) {
			t.Helper()
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
			require.ErrorContains(t, err, says)
		}
		fails(compile(t, th, doubled, mlx.WithState(empty)), "state 0: the array is null")
		fails(compile(t, th, func(s *mlx.Scope, _ arrays) arrays { return doubled(s, arrays{x}) }), "uncaptured inputs")
		fails(compile(t, th, func(s *mlx.Scope, in arrays) arrays {
			return s.Split(in[0], 2, 0)
		}, mlx.Shapeless()), "Split cannot infer output shapes")

		var c *mlx.Compiled
		c = compile(t, th, func(s *mlx.Scope, in arrays) arrays { return c.Call(s, in...) })
		fails(c, "the compiled function calls itself")
		c = compile(t, th, func(s *mlx.Scope, in arrays) arrays {
			s.Fail(c.Close())
			return in
		})
		fails(c, "a compiled function cannot close itself")
	})
	var dead *mlx.Thread
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error { dead = th; return nil }))
	_, err := dead.Compile(doubled)
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}

func TestCompiledOnAnotherWorker(t *testing.T) {
	leaktest.Check(t)
	w := mlx.NewWorker(mlx.WithDevice(mlx.Device{Type: mlx.CPU}))
	var c *mlx.Compiled
	require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) (err error) {
		c, err = th.Compile(doubled)
		return err
	}))
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		x := slice(t, th, []float32{1})
		defer x.Close()
		_, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
		require.ErrorContains(t, err, "mlx: compile: the function was compiled on another Worker")
		return nil
	}))
	require.NoError(t, c.Close(), "from any goroutine")
	require.NoError(t, w.Stop())
}

// Close and Retraces are for any goroutine, while the function runs.
func TestCompiledFromManyGoroutines(t *testing.T) {
	leaktest.Check(t)
	var c *mlx.Compiled
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
		c, err = th.Compile(doubled)
		return err
	}))
	call := func() error {
		return mlx.Do(t.Context(), func(th *mlx.Thread) error {
			x := slice(t, th, []float32{1, 2})
			defer x.Close()
			out, err := th.BuildAll(func(s *mlx.Scope) arrays { return c.Call(s, x) })
			return errors.Join(err, mlx.CloseAll(out...))
		})
	}
	require.NoError(t, call())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				if err := call(); err != nil && !strings.Contains(err.Error(), "is closed") {
					t.Error(err)
				}
				if n := c.Retraces(); n != 0 {
					t.Errorf("%d retraces", n)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.ErrorContains(t, call(), "the compiled function is closed")
}

// A Worker may stop before what it compiled is closed, Go functions in the graphs
// included.
func TestCompiledOutlivesItsWorker(t *testing.T) {
	leaktest.Check(t)
	w := mlx.NewWorker(mlx.WithDevice(mlx.Device{Type: mlx.CPU}))
	var c *mlx.Compiled
	require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) (err error) {
		c, err = th.Compile(mlx.CustomVJP(doubled, func(_ *mlx.Scope, primals, _, _ []mlx.Array) []mlx.Array { return primals }))
		require.NoError(t, err)
		x := slice(t, th, []float32{1, 2})
		require.Equal(t, []float32{6}, read[float32](t, th, call(t, th, c, x)))
		return x.Close()
	}))
	require.NoError(t, w.Stop())
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
}

// A result that is a constant is found though the function has it elsewhere too;
// MLX alone loses it.
func TestCompiledConstants(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		state, err := mlx.FromSlice(th, []float32{5})
		require.NoError(t, err)
		defer func() { require.NoError(t, state.Close()) }()
		c, err := th.Compile(func(s *mlx.Scope, in arrays) arrays {
			y := s.Multiply(in[0], s.Scalar(0, mlx.Float32))
			s.Assign(&state, s.Reshape(s.Scalar(7, mlx.Float32), 1))
			return arrays{y, s.Scalar(0, mlx.Float32), s.Scalar(7, mlx.Float32), s.Scalar(0, mlx.Float32), in[0]}
		}, mlx.WithState(&state))
		require.NoError(t, err)
		defer func() { require.NoError(t, c.Close()) }()
		for range 2 {
			out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return c.Call(s, s.Scalar(3, mlx.Float32)) })
			require.NoError(t, err)
			for i, want := range []float32{0, 0, 7, 0, 3} {
				have, err := mlx.Item[float32](th, out[i])
				require.NoError(t, err)
				require.Equal(t, want, have, i)
			}
			require.NoError(t, mlx.CloseAll(out...))
			have, err := mlx.Item[float32](th, state)
			require.NoError(t, err)
			require.Equal(t, float32(7), have)
		}
	})
}
