package runtime_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// callbacks has a transformed function for each place where MLX calls a Go
// function back. It calls body there, with one argument or more.
var callbacks = map[string]func(c compiler, body mlx.Func) mlx.Func{
	"grad":           func(_ compiler, body mlx.Func) mlx.Func { return mlx.Grad(body) },
	"value_and_grad": func(_ compiler, body mlx.Func) mlx.Func { return both(mlx.ValueAndGrad(body)) },
	"vjp": func(_ compiler, body mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			_, vjps := mlx.VJP(s, body, in, arrays{s.Scalar(1, mlx.Float32)})
			return vjps
		}
	},
	"jvp": func(_ compiler, body mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			_, jvps := mlx.JVP(s, body, in, in)
			return jvps
		}
	},
	"vmap":            func(_ compiler, body mlx.Func) mlx.Func { return mlx.Vmap(body) },
	"checkpoint":      func(_ compiler, body mlx.Func) mlx.Func { return mlx.Checkpoint(body) },
	"custom function": func(_ compiler, body mlx.Func) mlx.Func { return mlx.CustomFunction(body, rulesThat(nil)) },
	"compile":         func(c compiler, body mlx.Func) mlx.Func { return c(body) },

	"checkpoint again": func(_ compiler, body mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			calls := 0
			return mlx.Grad(mlx.Checkpoint(func(s *mlx.Scope, in arrays) arrays {
				if calls++; calls == 2 {
					return body(s, in)
				}
				return total(s, in)
			}))(s, in)
		}
	},
	"vjp rule": func(_ compiler, body mlx.Func) mlx.Func { return mlx.Grad(mlx.CustomFunction(total, rulesThat(body))) },
	"jvp rule": func(_ compiler, body mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			_, jvps := mlx.JVP(s, mlx.CustomFunction(total, rulesThat(body)), in, in)
			return jvps
		}
	},
	"vmap rule": func(_ compiler, body mlx.Func) mlx.Func { return mlx.Vmap(mlx.CustomFunction(total, rulesThat(body))) },

	"grad of grad": func(_ compiler, body mlx.Func) mlx.Func { return mlx.Grad(mlx.Grad(body)) },
	"vmap of grad": func(_ compiler, body mlx.Func) mlx.Func { return mlx.Vmap(mlx.Grad(body)) },
	"grad of vmap": func(_ compiler, body mlx.Func) mlx.Func {
		return mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
			out := mlx.Vmap(body)(s, in)
			if s.Err() != nil {
				return nil
			}
			return total(s, out)
		})
	},
	"compile of grad": func(c compiler, body mlx.Func) mlx.Func { return c(mlx.Grad(body)) },
	"grad of compile": func(c compiler, body mlx.Func) mlx.Func { return mlx.Grad(c(body)) },
	"compile of vmap of grad of checkpoint of vjp rule": func(c compiler, body mlx.Func) mlx.Func {
		return c(mlx.Vmap(mlx.Grad(mlx.Checkpoint(mlx.CustomFunction(total, rulesThat(body))))))
	},
}

func total(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(s.Square(in[0]), false)} }

func rulesThat(body mlx.Func) mlx.Rules {
	return mlx.Rules{
		VJP:  func(s *mlx.Scope, primals, _, _ []mlx.Array) []mlx.Array { return body(s, primals) },
		JVP:  func(s *mlx.Scope, primals, _ []mlx.Array) []mlx.Array { return body(s, primals) },
		Vmap: func(s *mlx.Scope, in arrays, _ []int) (arrays, []int) { return body(s, in), []int{0} },
	}
}

// inCallbacks runs body in every kind of callback and looks at the error, after
// seeing that nothing is left open.
func inCallbacks(t *testing.T, body mlx.Func, look func(t *testing.T, err error)) {
	for name, newFunc := range callbacks {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				f := newFunc(func(f mlx.Func, opts ...mlx.CompileOption) mlx.Func { return compile(t, th, f, opts...).Apply }, body)
				x := slice(t, th, []float32{1, 2, 3, 4}, 2, 2)
				defer x.Close()
				before := mlx.Live()
				for range 2 { // the first leaves nothing behind that changes the second
					out, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, arrays{x}) })
					require.Error(t, err)
					require.Nil(t, out)
					require.Equal(t, before, mlx.Live())
					look(t, err)
				}
			})
		})
	}
}

// asError requires an error of this package that nothing wraps.
func asError(t *testing.T, err error) *mlx.Error {
	t.Helper()
	e, ok := errors.AsType[*mlx.Error](err)
	require.True(t, ok, "%v", err)
	require.Same(t, err, e)
	return e
}

func TestOperationsFailInCallbacks(t *testing.T) {
	line := 0
	inCallbacks(t, func(s *mlx.Scope, in arrays) arrays {
		_, _, line, _ = runtime.Caller(0)
		return s.Split(in[0], 7, 0)[:1] // which panics, for there are none
	}, func(t *testing.T, err error) {
		e := asError(t, err)
		require.Equal(t, "split", e.Op)
		require.Contains(t, e.Message, "attempting 7 splits along axis 0")
		require.Equal(t, "callback_test.go", filepath.Base(e.File))
		require.Equal(t, line+1, e.Line)
	})
}

func TestFailInCallbacks(t *testing.T) {
	boom := errors.New("boom")
	var seen error
	inCallbacks(t, func(s *mlx.Scope, in arrays) arrays {
		s.Fail(fmt.Errorf("layer 3: %w", boom))
		seen = s.Err()
		return in
	}, func(t *testing.T, err error) {
		require.ErrorIs(t, err, boom)
		require.Same(t, seen, err)
		require.Regexp(t, `^mlx: layer 3: boom \(callback_test\.go:\d+\)$`, err.Error())
	})
}

func TestPanicsInCallbacks(t *testing.T) {
	boom := errors.New("boom")
	for _, value := range []any{"oh no", boom} {
		line := 0
		inCallbacks(t, func(s *mlx.Scope, in arrays) arrays {
			s.Add(in[0], in[0])
			_, _, line, _ = runtime.Caller(0)
			panic(value) // the line after
		}, func(t *testing.T, err error) {
			p, ok := errors.AsType[*mlx.PanicError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, value, p.Value)
			require.Contains(t, string(p.Stack), "callback_test.go", "where it panicked")
			require.Equal(t, value == any(boom), errors.Is(err, boom))
			e := asError(t, err)
			require.Equal(t, "callback_test.go", filepath.Base(e.File))
			require.Equal(t, line+1, e.Line)
		})
	}
}

func TestCallbacksThatReturnNullOrNothing(t *testing.T) {
	inCallbacks(t, func(*mlx.Scope, arrays) arrays { return arrays{{}} }, func(t *testing.T, err error) {
		require.ErrorContains(t, err, "null")
	})
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1})
		defer x.Close()
		nothing := func(*mlx.Scope, arrays) arrays { return nil }
		for name, f := range map[string]mlx.Func{
			"grad": mlx.Grad(nothing), "checkpoint": mlx.Checkpoint(nothing), "custom_function": mlx.CustomVJP(nothing, nil),
			"vjp": func(s *mlx.Scope, in arrays) arrays { _, out := mlx.VJP(s, nothing, in, in); return out },
			"jvp": func(s *mlx.Scope, in arrays) arrays { _, out := mlx.JVP(s, nothing, in, in); return out },
		} {
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, arrays{x}) })
			require.ErrorContains(t, err, "mlx: "+name+": the function returned no array")
		}
	})
}

// State may not change in a function that runs once, twice or never.
func TestStateIsRefusedInCallbacks(t *testing.T) {
	var state mlx.Array
	tests := map[string]func(th *mlx.Thread, outer, s *mlx.Scope, x mlx.Array){
		"assign":     func(_ *mlx.Thread, _, s *mlx.Scope, x mlx.Array) { s.Assign(&state, x) },
		"on_success": func(_ *mlx.Thread, _, s *mlx.Scope, _ mlx.Array) { s.OnSuccess(func() { t.Error("it ran") }) },
		"assign outside": func(_ *mlx.Thread, outer, _ *mlx.Scope, x mlx.Array) {
			outer.Assign(&state, x)
		},
		"assign in a Build inside": func(th *mlx.Thread, _, s *mlx.Scope, x mlx.Array) {
			_, err := th.BuildAll(func(s *mlx.Scope) arrays {
				s.Assign(&state, x)
				return nil
			})
			s.Fail(err)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				x := slice(t, th, []float32{1})
				defer x.Close()
				_, err := th.BuildAll(func(outer *mlx.Scope) arrays {
					return mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
						change(th, outer, s, in[0])
						return total(s, in)
					})(outer, arrays{x})
				})
				require.ErrorContains(t, err, "not inside of a transformed function")
				require.Equal(t, mlx.Array{}, state)
			})
		})
	}
}

// network gives the gradients of three layers: one is mapped over its rows,
// one checkpointed, one has a gradient of its own.
func network() mlx.Func {
	layer := func(s *mlx.Scope, in arrays) arrays { return arrays{s.Tanh(s.Add(s.Matmul(in[0], in[1]), in[2]))} }
	clipped := mlx.CustomVJP(layer, func(s *mlx.Scope, primals, cotangents, _ []mlx.Array) []mlx.Array {
		_, grads := mlx.VJP(s, layer, primals, cotangents)
		for i, g := range grads {
			grads[i] = s.Minimum(g, s.Scalar(1, mlx.Float32))
		}
		return grads
	})
	layers := []mlx.Func{mlx.Vmap(layer, mlx.InAxes(0, mlx.Unmapped, mlx.Unmapped)), mlx.Checkpoint(layer), clipped}
	loss := func(s *mlx.Scope, in arrays) arrays {
		x := in[0]
		for _, f := range layers {
			out := f(s, arrays{x, in[1], in[2]})
			if s.Err() != nil {
				return nil
			}
			x = out[0]
		}
		return total(s, arrays{x})
	}
	return mlx.Grad(loss, 1, 2)
}

func TestEveryOperationInCallbacksMayFail(t *testing.T) {
	// Three layers of 3 operations, the loss of 2, 10 in the rule, 3 when the
	// checkpoint runs again, and 4 transformations.
	const want = 3*3 + 2 + 10 + 3 + 4
	for name, ops := range map[string]int{"plain": want, "compiled": want + 1} {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				in := arrays{slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 3, 2), slice(t, th, []float32{1, 0.5, -1, 2}, 2, 2), slice(t, th, []float32{1, -1})}
				defer mlx.CloseAll(in...)
				step := func() (arrays, error) {
					f := network()
					if name == "compiled" {
						c, err := th.Compile(f)
						require.NoError(t, err)
						defer c.Close()
						f = c.Apply
					}
					return th.BuildAll(func(s *mlx.Scope) arrays { return f(s, in) })
				}
				live, before := mlx.Live(), th.Ops()
				out, err := step()
				require.NoError(t, err)
				require.Equal(t, ops, th.Ops()-before)
				require.NoError(t, mlx.CloseAll(out...))
				for i := 1; i <= ops; i++ {
					boom := fmt.Errorf("operation %d", i)
					th.FailAt(i, boom)
					_, err := step()
					require.ErrorIs(t, err, boom)
					e := asError(t, err)
					require.NotEmpty(t, e.Op)
					require.Contains(t, e.File, "callback_test.go")
					require.Equal(t, live, mlx.Live())
				}
			})
		})
	}
}

// Neither handles nor memory grow over many transformations, of which some fail.
func TestTransformsAreFlat(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in := arrays{slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 3, 2), slice(t, th, []float32{1, 0.5, -1, 2}, 2, 2), slice(t, th, []float32{1, -1})}
		defer mlx.CloseAll(in...)
		var live map[string]int
		var active uint64
		for i := range 600 {
			if i%3 == 0 {
				th.FailAt(1+i%20, errBoom)
			}
			out, err := th.BuildAll(func(s *mlx.Scope) arrays { return network()(s, in) })
			require.Equal(t, i%3 == 0, errors.Is(err, errBoom))
			if err == nil {
				require.NoError(t, th.Eval(out...))
			}
			require.NoError(t, mlx.CloseAll(out...))
			now, err := th.ActiveMemory()
			require.NoError(t, err)
			if i == 30 {
				live, active = mlx.Live(), now
			}
			if i > 30 {
				require.Equal(t, live, mlx.Live())
				require.LessOrEqual(t, now, active+4096)
			}
		}
	})
}

// witness is what a Func captures, to see when MLX lets go of it.
type witness struct{ _ [64]byte }

// What MLX keeps of a Go function goes with the graph that needs it: closed
// without being computed, computed, or compiled.
func TestFuncsAreReleased(t *testing.T) {
	released := make(chan string, 9)
	custom := func(what string) mlx.Func {
		w := new(witness)
		runtime.AddCleanup(w, func(what string) { released <- what }, what)
		return mlx.CustomVJP(func(s *mlx.Scope, in arrays) arrays {
			runtime.KeepAlive(w)
			return total(s, in)
		}, func(s *mlx.Scope, primals, _, _ []mlx.Array) []mlx.Array {
			runtime.KeepAlive(w)
			return primals
		})
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		one := func(f mlx.Func) mlx.Array {
			return build(t, th, func(s *mlx.Scope) mlx.Array { return f(s, arrays{x})[0] })
		}
		closed, computed := one(custom("closed")), one(custom("computed"))
		defer computed.Close()
		graph := one(mlx.Grad(custom("gradient")))
		defer graph.Close()
		c, err := th.Compile(custom("compiled"))
		require.NoError(t, err)
		out := one(c.Apply)
		require.NoError(t, c.Close())
		require.NoError(t, errors.Join(closed.Close(), out.Close(), th.Eval(computed, graph), th.Synchronize()))
	})
	var got []string
	for deadline := time.Now().Add(10 * time.Second); len(got) < 4 && time.Now().Before(deadline); {
		runtime.GC()
		select {
		case what := <-released:
			got = append(got, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
	slices.Sort(got)
	require.Equal(t, []string{"closed", "compiled", "computed", "gradient"}, got)
}

// MLX cannot be left by ending the goroutine: the Worker says so, and frees what
// it can.
func TestGoexitInCallbackLosesTheWorker(t *testing.T) {
	inChild(t, func() {
		w := mlx.NewWorker()
		weights := make(chan *mlx.Owner, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = w.Do(t.Context(), func(th *mlx.Thread) error {
				o := th.NewOwner("weights")
				x := o.Keep(slice(t, th, []float32{1}))
				weights <- o
				_, err := th.BuildAll(func(s *mlx.Scope) arrays {
					return mlx.Grad(func(*mlx.Scope, arrays) arrays {
						runtime.Goexit()
						return nil
					})(s, arrays{x})
				})
				return err
			})
		}()
		<-ended
		for range 2 {
			require.ErrorContains(t, w.Do(t.Context(), func(th *mlx.Thread) error {
				_, err := mlx.FromSlice(th, []float32{1})
				return err
			}), "mlx: a transformed function ended its goroutine")
		}
		require.NoError(t, (<-weights).Close())
		require.NoError(t, w.Stop())
	}, "the tests left handles open")
}
