package runtime_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// everyFault lets operation n of step fail for every n: the error comes back, with
// no results and no handles, and state is as it was. It returns the number of
// operations. Step must build the same graph each time.
func everyFault(t *testing.T, th *mlx.Thread, step func() ([]mlx.Array, error), state func() []mlx.Array) int {
	t.Helper()
	before := th.Ops()
	all, err := step()
	require.NoError(t, err)
	require.NoError(t, mlx.CloseAll(all...))
	ops := th.Ops() - before
	live, was := mlx.Live(), state()
	for i := 1; i <= ops; i++ {
		boom := errors.New("boom")
		th.FailAt(i, boom)
		all, err := step()
		require.ErrorIs(t, err, boom, "operation %d", i)
		require.Empty(t, all)
		require.Equal(t, live, mlx.Live(), "operation %d", i)
		require.Equal(t, was, state(), "operation %d", i)
	}
	th.FailAt(0, nil)
	return ops
}

// operation is a method of Scope that makes arrays.
type operation struct {
	name  string
	types []reflect.Type
}

// operations lists the methods of Scope that take values and return arrays. Own
// takes what is made elsewhere.
func operations() (all []operation) {
	scope := reflect.TypeFor[*mlx.Scope]()
	for m := range scope.Methods() {
		f := m.Type
		if f.NumOut() == 0 || f.Out(0) != reflect.TypeFor[mlx.Array]() && f.Out(0) != reflect.TypeFor[[]mlx.Array]() {
			continue
		}
		op := operation{name: m.Name}
		for i := 1; i < f.NumIn(); i++ {
			op.types = append(op.types, f.In(i))
		}
		takesFunc := slices.ContainsFunc(op.types, func(typ reflect.Type) bool { return typ.Kind() == reflect.Func })
		if !takesFunc && m.Name != "Own" {
			all = append(all, op)
		}
	}
	return all
}

// call applies the operation and returns the arrays that it made.
func (o operation) call(s *mlx.Scope, args []reflect.Value) (made []mlx.Array) {
	m := reflect.ValueOf(s).MethodByName(o.name)
	call := m.Call
	if m.Type().IsVariadic() {
		call = m.CallSlice
	}
	for _, r := range call(args) {
		if list, ok := r.Interface().([]mlx.Array); ok {
			made = append(made, list...)
		} else {
			made = append(made, r.Interface().(mlx.Array))
		}
	}
	return made
}

// zeros are the zero values of the operation's arguments: null arrays, nil lists.
func (o operation) zeros() (args []reflect.Value) {
	for _, typ := range o.types {
		args = append(args, reflect.Zero(typ))
	}
	return args
}

// guesses draws arguments from what an operation may accept.
type guesses struct {
	*rand.Rand
	arrays []mlx.Array
}

func (g guesses) args(o operation) (args []reflect.Value) {
	for _, typ := range o.types {
		args = append(args, g.arg(typ).Convert(typ))
	}
	return args
}

func pick[T any](g guesses, from ...T) reflect.Value { return reflect.ValueOf(from[g.IntN(len(from))]) }

func (g guesses) arg(typ reflect.Type) reflect.Value {
	switch {
	case typ == reflect.TypeFor[mlx.Array]():
		return pick(g, g.arrays...)
	case typ == reflect.TypeFor[[]mlx.Array]():
		a := g.arrays[g.IntN(len(g.arrays))]
		return pick(g, []mlx.Array{a}, []mlx.Array{a, a})
	case typ == reflect.TypeFor[mlx.Dtype]():
		return pick(g, mlx.Float32, mlx.Int32, mlx.Uint32)
	case typ == reflect.TypeFor[[]int]():
		return pick(g, []int{0}, []int{1}, []int{1, 1}, []int{0, 1}, []int{4, 4}, []int{16}, []int{4}, []int{2, 2}, nil)
	case typ.Kind() == reflect.String:
		return pick(g, "", "ij,jk->ik", "affine", "constant", "xy", "left", "U", "none", "silu")
	case typ.Kind() == reflect.Bool:
		return pick(g, false, true)
	case typ.Kind() == reflect.Float32 || typ.Kind() == reflect.Float64:
		return pick(g, 1, 0.5, 4)
	case typ.Kind() == reflect.Int || typ.Kind() == reflect.Int32:
		return pick(g, 0, 1, 2, 4, -1)
	}
	return reflect.Zero(typ)
}

// inputs are arrays of the shapes and dtypes that operations ask for.
func inputs(t *testing.T, th *mlx.Thread) []mlx.Array {
	square := make([]float32, 16)
	for i := range square {
		square[i] = 1 / float32(1+i)
	}
	long := slice(t, th, make([]float32, 32*64), 32, 64)
	return []mlx.Array{
		slice(t, th, square, 4, 4),
		slice(t, th, square, 1, 2, 2, 4),
		slice(t, th, square[:4]),
		slice(t, th, square[:1]),
		slice(t, th, square, 1, 4, 4),
		slice(t, th, []int32{0, 1, 2, 3}),
		slice(t, th, []uint32{0, 1}),
		slice(t, th, []bool{true, false, true, false}),
		slice(t, th, []complex64{1, 2i, 3, 4}),
		slice(t, th, make([]uint32, 32*8), 32, 8),
		long,
		{},
	}
}

// TestEveryMethodMayFail finds arguments for the operations of Scope, and lets
// each reference and each operation of a graph with it fail.
func TestEveryMethodMayFail(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		mlx.TraceHandles(false)
		defer mlx.TraceHandles(true)
		arrays := inputs(t, th)
		defer mlx.CloseAll(arrays...)
		var none []string
		all := operations()
		for _, o := range all {
			args := fitting(t, th, o, arrays)
			if args == nil {
				none = append(none, o.name)
				continue
			}
			var kept mlx.Array
			ops := everyFault(t, th, func() ([]mlx.Array, error) {
				return th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					made := o.call(s, args)
					if s.Err() == nil && len(made) > 0 {
						s.Assign(&kept, made[0])
					}
					return append(made, arrays[0])
				})
			}, func() []mlx.Array { return []mlx.Array{kept} })
			require.GreaterOrEqual(t, ops, 2, o.name)
			require.NoError(t, kept.Close())
		}
		t.Logf("%d of %d operations; no arguments were found for %v", len(all)-len(none), len(all), none)
		require.Less(t, len(none), len(all)/8, "no arguments for %v", none)
	})
}

// fitting draws arguments until the operation takes them. What it refuses leaves
// nothing behind.
func fitting(t *testing.T, th *mlx.Thread, o operation, arrays []mlx.Array) []reflect.Value {
	t.Helper()
	g := guesses{rand.New(rand.NewPCG(1, 2)), arrays}
	live := mlx.Live()
	for range 400 {
		args := g.args(o)
		made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return o.call(s, args) })
		if err == nil && len(made) > 0 {
			require.NoError(t, mlx.CloseAll(made...))
			return args
		}
		require.Equal(t, live, mlx.Live(), "%s(%v): %v", o.name, args, err)
	}
	return nil
}

// TestEveryMethodWithNothing gives the operations null arrays, empty names and
// no group: each answers or refuses, and none ends the process.
func TestEveryMethodWithNothing(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		refused := 0
		for _, o := range operations() {
			live := mlx.Live()
			made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return o.call(s, o.zeros()) })
			if err != nil {
				require.True(t, strings.HasPrefix(err.Error(), "mlx: "), "%s: %v", o.name, err)
				refused++
			}
			require.NoError(t, mlx.CloseAll(made...))
			require.Equal(t, live, mlx.Live(), o.name)
		}
		require.Greater(t, refused, 200)
	})
}

// TestEveryFaultOfGraphs lets operations fail in builds inside of builds, on other
// streams, in what is assigned twice and in what is taken over.
func TestEveryFaultOfGraphs(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		side := newStream(t, th)
		o := th.NewOwner("state")
		defer o.Close()
		key, err := th.RandomKey(1)
		require.NoError(t, err)
		o.Keep(key)
		x := o.Keep(slice(t, th, []float32{1, 2, 3, 4}, 2, 2))
		a, b := o.Slot(slice(t, th, []float32{0, 0})), o.Slot(mlx.Array{})
		graphs := map[string]func(s *mlx.Scope) []mlx.Array{
			"nested": func(s *mlx.Scope) []mlx.Array {
				y := s.Add(x, x)
				inner := s.Own(th.Build(func(s *mlx.Scope) mlx.Array {
					return s.Own(th.Build(func(s *mlx.Scope) mlx.Array { return s.Matmul(y, x) }))
				}))
				return []mlx.Array{s.Add(inner, y), x, y}
			},
			"streams": func(s *mlx.Scope) []mlx.Array {
				y := s.On(side, func(s *mlx.Scope) mlx.Array { return s.Exp(s.Add(x, x)) })
				s.Assign(a, s.On(side, func(s *mlx.Scope) mlx.Array { return s.Sum(y, false) }))
				return []mlx.Array{s.Multiply(y, x)}
			},
			"assigned twice": func(s *mlx.Scope) []mlx.Array {
				y := s.Square(x)
				s.Assign(a, y)
				s.Assign(b, y)
				s.Assign(a, s.Negative(y))
				s.Assign(b, x)
				return nil
			},
			"lists": func(s *mlx.Scope) []mlx.Array {
				parts := s.Split(x, 2, 0)
				if s.Err() != nil {
					return nil
				}
				q, r := s.QR(s.RandomNormal([]int{3, 3}, mlx.Float32, 0, 1, key))
				return append(parts, q, r, s.Concatenate(parts), s.Scalar(1, mlx.Int8), mlx.Const(s, []bool{true}))
			},
		}
		for name, graph := range graphs {
			ops := everyFault(t, th, func() ([]mlx.Array, error) { return th.BuildAll(graph) },
				func() []mlx.Array { return []mlx.Array{*a, *b} })
			require.Greater(t, ops, 3, name)
		}
	})
}
