package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// graphOps is how many operations a graph has that is built for its time.
const graphOps = 1000

// bigFloats is how many elements are read: 100 MB.
const bigFloats = 25 << 20

// ops measures what an operation costs in Go, in C and in Python: ours, in this
// process.
type ops struct {
	t         *mlx.Thread
	x, y, big mlx.Array
	used      []float32
}

// opCase is a graph or a read, by the name that ops.c and ops.py know it by.
type opCase struct {
	name, what string
	step       func(o *ops, s *mlx.Scope, i int, last mlx.Array) mlx.Array // nil for a read
}

var (
	flat, square = []int{16}, []int{4, 4}
	zeros, ones  = []int{0, 0}, []int{1, 1}
	half         = []int{2, 4}
)

func (o *ops) add(s *mlx.Scope, _ int, last mlx.Array) mlx.Array    { return s.Add(last, o.y) }
func (o *ops) exp(s *mlx.Scope, _ int, last mlx.Array) mlx.Array    { return s.Exp(last) }
func (o *ops) matmul(s *mlx.Scope, _ int, last mlx.Array) mlx.Array { return s.Matmul(last, o.y) }
func (o *ops) sum(s *mlx.Scope, _ int, last mlx.Array) mlx.Array    { return s.SumAxis(last, -1, true) }
func (o *ops) slice(s *mlx.Scope, _ int, _ mlx.Array) mlx.Array {
	return s.Slice(o.x, zeros, half, ones)
}

func (o *ops) reshape(s *mlx.Scope, i int, last mlx.Array) mlx.Array {
	if i%2 == 1 {
		return s.Reshape(last, square...)
	}
	return s.Reshape(last, flat...)
}

func (o *ops) mixed(s *mlx.Scope, i int, last mlx.Array) mlx.Array {
	switch i % 8 {
	case 0:
		return s.Matmul(last, o.y)
	case 2:
		return s.Tanh(last)
	case 3:
		return s.Multiply(last, o.y)
	case 4, 5:
		return o.reshape(s, i, last)
	case 6:
		return s.SumAxis(last, -1, true)
	}
	return s.Add(last, o.y)
}

var opCases = []opCase{
	{"add", "add", (*ops).add},
	{"exp", "exp", (*ops).exp},
	{"matmul", "matmul", (*ops).matmul},
	{"sum", "sum over an axis", (*ops).sum},
	{"reshape", "reshape", (*ops).reshape},
	{"slice", "slice", (*ops).slice},
	{"mixed", "eight kinds in turns", (*ops).mixed},
	{"read", "100 MB, into new memory", nil},
	{"reread", "100 MB, into memory used before", nil},
}

// withOps runs f with the arrays that are computed with.
func withOps(ctx context.Context, f func(o *ops) error) error {
	return mlx.Do(ctx, func(t *mlx.Thread) (err error) {
		o := &ops{t: t, used: make([]float32, bigFloats)}
		defer func() { err = errors.Join(err, mlx.CloseAll(o.x, o.y, o.big)) }()
		var errs [3]error
		o.x, errs[0] = t.Zeros(mlx.Float32, square...)
		o.y, errs[1] = t.Zeros(mlx.Float32, square...)
		o.big, errs[2] = t.Zeros(mlx.Float32, bigFloats)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		if err := t.Eval(o.x, o.y, o.big); err != nil {
			return err
		}
		return f(o)
	})
}

// run takes the time of one graph or one read.
func (o *ops) run(c opCase) (time.Duration, error) {
	switch c.name {
	case "read":
		began := time.Now()
		_, err := mlx.Values[float32](o.t, o.big)
		return time.Since(began), err
	case "reread":
		began := time.Now()
		err := mlx.View(o.t, o.big, func(v []float32) error { copy(o.used, v); return nil })
		return time.Since(began), err
	}
	began := time.Now()
	last, err := o.t.Build(func(s *mlx.Scope) mlx.Array {
		last := o.x
		for i := range graphOps {
			last = c.step(o, s, i, last)
		}
		return last
	})
	took := time.Since(began)
	return took, errors.Join(err, last.Close())
}

// opResult is what one case showed, in nanoseconds for the whole of it.
type opResult struct {
	opCase
	c, goMLX, python series
	allocs           float64 // of Go's, a run
}

// measureOps runs every case in turns: some rounds in C, in Go, in Python.
func measureOps(ctx context.Context, rounds int, c, python *opPeer, log io.Writer) (results []opResult, err error) {
	err = withOps(ctx, func(o *ops) error {
		for _, oc := range opCases {
			fmt.Fprintf(log, "measuring %s\n", oc.what)
			r := opResult{opCase: oc}
			for range rounds {
				if err := errors.Join(r.turn(o, c, python), ctx.Err()); err != nil {
					return err
				}
			}
			results = append(results, r)
		}
		return nil
	})
	return results, err
}

// perTurn is how often a case is run before the next has its turn; the first
// run of a turn only warms up.
const perTurn = 6

func (r *opResult) turn(o *ops, c, python *opPeer) error {
	mine := make(series, 0, perTurn)
	before := mallocs()
	for range perTurn {
		took, err := o.run(r.opCase)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", r.name, err)
		}
		mine = append(mine, float64(took.Nanoseconds()))
	}
	r.allocs = float64(mallocs()-before) / perTurn
	r.goMLX = append(r.goMLX, mine[1:]...)
	for _, p := range []struct {
		peer *opPeer
		to   *series
	}{{c, &r.c}, {python, &r.python}} {
		times, err := p.peer.run(r.name, perTurn)
		if err != nil {
			return err
		}
		*p.to = append(*p.to, times[1:]...)
	}
	return nil
}
