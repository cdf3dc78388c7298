package runtime_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestBuildFreesWhatItDoesNotReturn(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2, 3})
		defer x.Close()
		before := mlx.Live()["Array"]
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			z := x
			for range 10 {
				z = s.Add(z, x)
			}
			return z
		})
		require.Equal(t, before+1, mlx.Live()["Array"])
		require.Equal(t, []float32{11, 22, 33}, read[float32](t, th, y))
	})
}

func TestBuildReturnsInputsAndRepeatsAsReferencesOfTheirOwn(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		same := build(t, th, func(*mlx.Scope) mlx.Array { return x })
		require.NotEqual(t, x, same)
		require.NoError(t, x.Close())
		require.Equal(t, []float32{1, 2}, read[float32](t, th, same))

		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			z := s.Zeros([]int{2}, mlx.Float32)
			return []mlx.Array{z, z, z}
		})
		require.NoError(t, err)
		require.Len(t, all, 3)
		for _, a := range all {
			require.Equal(t, []float32{0, 0}, read[float32](t, th, a))
		}
		none, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			s.Zeros([]int{2}, mlx.Float32)
			return nil
		})
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestBuildRefusesToReturnNothing(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.Build(func(*mlx.Scope) mlx.Array { return mlx.Array{} })
		require.ErrorContains(t, err, "result 0 is null")
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			return []mlx.Array{s.Zeros(nil, mlx.Bool), {}}
		})
		require.ErrorContains(t, err, "result 1 is null")
	})
}

func TestBuildInsideOfBuild(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		boom := errors.New("boom")
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			outer := s.Add(x, x)
			inner := s.Own(th.Build(func(s *mlx.Scope) mlx.Array { return s.Multiply(outer, outer) }))
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				s.Fail(boom)
				return outer
			})
			require.ErrorIs(t, err, boom)
			require.NoError(t, s.Err(), "the error stays inside")
			return s.Add(inner, outer)
		})
		require.Equal(t, []float32{6, 20}, read[float32](t, th, y))
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			return s.Own(th.Build(func(s *mlx.Scope) mlx.Array {
				s.Fail(boom)
				return x
			}))
		})
		require.ErrorIs(t, err, boom)
	})
}

func TestErrorSticksAndNamesOperationMessageAndCaller(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, b := slice(t, th, make([]float32, 6), 2, 3), slice(t, th, make([]float32, 6), 2, 3)
		defer a.Close()
		defer b.Close()
		var line int
		var seen error
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			_, _, line, _ = runtime.Caller(0)
			bad := s.Matmul(a, b) // the line after
			seen = s.Err()
			require.Equal(t, mlx.Array{}, bad)
			require.Equal(t, mlx.Array{}, s.Add(a, b), "after an error nothing runs")
			require.Nil(t, s.Shape(a))
			require.Zero(t, s.Dim(a, 0))
			require.Nil(t, s.Split(a, 2, 0))
			s.Fail(errors.New("later"))
			return bad
		})
		require.Same(t, seen, err)
		e, ok := errors.AsType[*mlx.Error](err)
		require.True(t, ok)
		require.Equal(t, "matmul", e.Op)
		require.Contains(t, e.Message, "shape (2,3)")
		require.Equal(t, "scope_test.go", filepath.Base(e.File))
		require.Equal(t, line+1, e.Line)
		require.Regexp(t, `^mlx: matmul: Last dimension .* \(scope_test\.go:\d+\)$`, err.Error())
	})
}

func TestErrorsOfEveryKindOfOperation(t *testing.T) {
	tests := map[string]struct {
		op, says string
		build    func(s *mlx.Scope, x mlx.Array) mlx.Array
	}{
		"dimension too large":  {"reshape", "4294967296 does not fit", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, 1<<32) }},
		"dimension too small":  {"reshape", "does not fit", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, math.MinInt) }},
		"axis too large":       {"sum_axis", "does not fit", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.SumAxis(x, 1<<40, false) }},
		"axis out of range":    {"sum_axis", "axis", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.SumAxis(x, 5, false) }},
		"several results":      {"split", "split", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Split(x, 4, 0)[0] }},
		"null argument":        {"add", "non-empty mlx_array", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Add(x, mlx.Array{}) }},
		"unknown dtype":        {"astype", "dtype", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.AsType(x, 77) }},
		"dimension asked for":  {"dim", "axis 2 is out of range for an array of 2 dimensions", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, s.Dim(x, 2)) }},
		"negative dim":         {"dim", "axis -3 is out of range", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, s.Dim(x, -3)) }},
		"shape of null":        {"shape", "non-empty mlx_array", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, s.Shape(mlx.Array{})...) }},
		"dtype of null":        {"dtype", "non-empty mlx_array", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.AsType(x, s.DtypeOf(mlx.Array{})) }},
		"constant":             {"const", "the shape has 6 elements, the data 2", func(s *mlx.Scope, _ mlx.Array) mlx.Array { return mlx.Const(s, []float32{1, 2}, 2, 3) }},
		"scalar":               {"scalar", "1.5 is no int8", func(s *mlx.Scope, _ mlx.Array) mlx.Array { return s.Scalar(1.5, mlx.Int8) }},
		"assigning nothing":    {"assign", "null", func(s *mlx.Scope, x mlx.Array) mlx.Array { s.Assign(new(mlx.Array), mlx.Array{}); return x }},
		"assigning to nothing": {"assign", "destination is nil", func(s *mlx.Scope, x mlx.Array) mlx.Array { s.Assign(nil, x); return x }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				x := slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
				defer x.Close()
				_, err := th.Build(func(s *mlx.Scope) mlx.Array { return tt.build(s, x) })
				e, ok := errors.AsType[*mlx.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tt.op, e.Op)
				require.Contains(t, e.Message, tt.says)
				require.Equal(t, "scope_test.go", filepath.Base(e.File))
				require.Positive(t, e.Line)
			})
		})
	}
}

func TestFailPassesGoErrorsThrough(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			s.Fail(nil)
			require.NoError(t, s.Err())
			s.Fail(ctx.Err())
			return s.Zeros(nil, mlx.Float32)
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Regexp(t, `^mlx: context canceled \(scope_test\.go:\d+\)$`, err.Error())
	})
}

func TestPanicInBuildFreesEverything(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		var cache mlx.Array
		require.PanicsWithValue(t, "stop", func() {
			_, _ = th.Build(func(s *mlx.Scope) mlx.Array {
				s.Assign(&cache, s.Zeros([]int{8}, mlx.Float32))
				s.OnSuccess(func() { t.Error("it did not succeed") })
				panic("stop")
			})
		})
		require.Equal(t, mlx.Array{}, cache)
	})
}

// A panic of Go's after an error is a consequence of it; another one is not.
func TestPanicAfterAnError(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2, 3})
		defer x.Close()
		_, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Split(x, 2, 0)[0] })
		require.ErrorContains(t, err, "mlx: split: ")
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return s.Split(x, 2, 0)[:1] })
		require.ErrorContains(t, err, "mlx: split: ")
		require.PanicsWithValue(t, "stop", func() {
			_, _ = th.Build(func(s *mlx.Scope) mlx.Array {
				s.Split(x, 2, 0)
				panic("stop")
			})
		})
		require.Panics(t, func() {
			_, _ = th.Build(func(s *mlx.Scope) mlx.Array { return s.Split(x, 3, 0)[3] })
		})
	})
}

func TestScopeIsDeadAfterBuild(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		var kept *mlx.Scope
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			kept = s
			return s.Zeros(nil, mlx.Float32)
		})
		require.NoError(t, y.Close())
		require.Equal(t, mlx.Array{}, kept.Zeros(nil, mlx.Float32))
		require.ErrorContains(t, kept.Err(), "after its Build")
	})
}

func TestShapesAreTheCallersToKeep(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, make([]float32, 24), 2, 3, 4)
		defer x.Close()
		const n = 1000
		var kept [n][2][]int
		for i := range kept {
			y := build(t, th, func(s *mlx.Scope) mlx.Array {
				shape := s.Shape(x)
				other := s.Shape(s.Zeros([]int{i, 7}, mlx.Bool))
				_ = append(shape, 9)
				kept[i] = [2][]int{shape, other}
				require.Equal(t, []int{4, 3, 2}, []int{s.Dim(x, -1), s.Dim(x, 1), s.Dim(x, -3)})
				require.Equal(t, 3, s.Ndim(x))
				require.Equal(t, mlx.Float32, s.DtypeOf(x))
				return s.Reshape(x, 24)
			})
			require.NoError(t, y.Close())
		}
		for i, shapes := range kept {
			require.Equal(t, [2][]int{{2, 3, 4}, {i, 7}}, shapes)
		}
	})
}

func TestHandlesAreFlatOverManyBuilds(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2, 3, 4}, 2, 2)
		defer x.Close()
		var cache mlx.Array
		defer func() { require.NoError(t, cache.Close()) }()
		var flat map[string]int
		for i := range 10_000 {
			y, err := th.Build(func(s *mlx.Scope) mlx.Array {
				h := s.Matmul(x, s.Transpose(x))
				q, r := s.QR(h)
				s.Assign(&cache, s.Add(q, r))
				if i%3 == 0 {
					return s.Matmul(h, s.Zeros([]int{5, 5}, mlx.Float32)) // fails
				}
				return s.Tanh(h)
			})
			require.Equal(t, i%3 == 0, err != nil)
			require.NoError(t, y.Close())
			if i == 1 {
				flat = mlx.Live()
			}
			if i > 1 {
				require.Equal(t, flat, mlx.Live())
			}
		}
	})
}
