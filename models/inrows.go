package models

import (
	"errors"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// inRows makes arrays [rows, width] from chunks of step rows, so that beside the
// arrays there is only ever one chunk.
func inRows(th *mlx.Thread, rows, step int, chunk func(lo, hi int) ([]mlx.Array, error)) ([]mlx.Array, error) {
	var whole []mlx.Array
	for lo := 0; lo < rows; lo += step {
		hi := min(lo+step, rows)
		parts, err := chunk(lo, hi)
		if err != nil {
			return nil, errors.Join(err, mlx.CloseAll(whole...))
		}
		if whole, err = placed(th, whole, parts, lo, hi, rows); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// placed puts parts into whole, which is made when lo is 0. It takes over both:
// MLX then writes in place.
func placed(th *mlx.Thread, whole, parts []mlx.Array, lo, hi, rows int) ([]mlx.Array, error) {
	if hi-lo == rows {
		return parts, nil
	}
	return evaluatedAll(th, func(s *mlx.Scope) []mlx.Array {
		whole, parts := owned(s, whole), owned(s, parts)
		out := make([]mlx.Array, len(parts))
		for i, part := range parts {
			shape := s.Shape(part)
			if len(shape) != 2 {
				return out // an error went before
			}
			var into mlx.Array
			if whole == nil {
				into = s.Zeros([]int{rows, shape[1]}, s.DtypeOf(part))
			} else {
				into = whole[i]
			}
			out[i] = s.SliceUpdate(into, part, []int{lo, 0}, []int{hi, shape[1]}, []int{1, 1})
		}
		return out
	})
}

// owned hands arrays over to a Scope.
func owned(s *mlx.Scope, arrays []mlx.Array) []mlx.Array {
	for _, a := range arrays {
		s.Own(a, nil)
	}
	return arrays
}

// evaluatedAll builds arrays and computes them.
func evaluatedAll(th *mlx.Thread, fn func(s *mlx.Scope) []mlx.Array) ([]mlx.Array, error) {
	arrays, err := th.BuildAll(fn)
	if err != nil {
		return nil, err
	}
	if err := th.Eval(arrays...); err != nil {
		return nil, errors.Join(err, mlx.CloseAll(arrays...))
	}
	return arrays, nil
}

// inTurn makes arrays, all or none.
func inTurn(makers ...func() (mlx.Array, error)) ([]mlx.Array, error) {
	var made []mlx.Array
	for _, f := range makers {
		a, err := f()
		if err != nil {
			return nil, errors.Join(err, mlx.CloseAll(made...))
		}
		made = append(made, a)
	}
	return made, nil
}

// sliceAs copies values into an array and converts them to dtype.
func sliceAs(th *mlx.Thread, values []float32, dtype mlx.Dtype, shape ...int) (mlx.Array, error) {
	a, err := mlx.FromSlice(th, values, shape...)
	if err != nil || dtype == mlx.Float32 {
		return a, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return s.AsType(s.Own(a, nil), dtype) })
}
