package runtime_test

import (
	"context"
	"fmt"
	"log"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The third derivative of x³ is 6; the first at 2 is 12.
func ExampleGrad() {
	cube := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		x := args[0]
		return []mlx.Array{s.Multiply(x, s.Square(x))}
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		for _, f := range []mlx.Func{mlx.Grad(cube), mlx.Grad(mlx.Grad(mlx.Grad(cube)))} {
			slope, err := t.Build(func(s *mlx.Scope) mlx.Array {
				return f(s, []mlx.Array{s.Scalar(2, mlx.Float32)})[0]
			})
			if err != nil {
				return err
			}
			defer slope.Close()
			v, err := mlx.Item[float32](t, slope)
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 12
	// 6
}

// A line is fitted to points by gradient descent.
func ExampleValueAndGrad() {
	loss := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		slope, offset, x, y := args[0], args[1], args[2], args[3]
		predicted := s.Add(s.Multiply(slope, x), offset)
		return []mlx.Array{s.Mean(s.Square(s.Subtract(predicted, y)), false)}
	}
	lossAndGrad := mlx.ValueAndGrad(loss, 0, 1)

	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		line := t.NewOwner("line")
		defer line.Close()
		zeros := func() *mlx.Array { a, _ := t.Zeros(mlx.Float32); return line.Slot(a) }
		slope, offset := zeros(), zeros()
		step := func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{0, 1, 2, 3})
			y := mlx.Const(s, []float32{1, 3, 5, 7})
			values, grads := lossAndGrad(s, []mlx.Array{*slope, *offset, x, y})
			for i, weight := range []*mlx.Array{slope, offset} {
				s.Assign(weight, s.Subtract(*weight, s.Multiply(s.Scalar(0.1, mlx.Float32), grads[i])))
			}
			return values[0]
		}
		for i := range 61 {
			loss, err := t.Build(step)
			if err != nil {
				return err
			}
			v, err := mlx.Item[float32](t, loss)
			if err != nil {
				return err
			}
			loss.Close()
			if i%20 == 0 {
				fmt.Printf("step %d: loss %.4f\n", i, v)
			}
		}
		a, err := mlx.Item[float32](t, *slope)
		if err != nil {
			return err
		}
		b, err := mlx.Item[float32](t, *offset)
		fmt.Printf("y = %.2f x + %.2f\n", a, b)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// step 0: loss 21.0000
	// step 20: loss 0.0001
	// step 40: loss 0.0000
	// step 60: loss 0.0000
	// y = 2.00 x + 1.00
}

// Rounding has no gradient. The straight-through estimator pretends that it is
// not there.
func ExampleCustomVJP() {
	round := mlx.CustomVJP(func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		return []mlx.Array{s.Round(args[0], 0)}
	}, func(_ *mlx.Scope, _, cotangents, _ []mlx.Array) []mlx.Array {
		return cotangents
	})
	loss := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		return []mlx.Array{s.Sum(s.Square(round(s, args)[0]), false)}
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		grad, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return mlx.Grad(loss)(s, []mlx.Array{mlx.Const(s, []float32{0.7, 1.2, 2.6})})[0]
		})
		if err != nil {
			return err
		}
		defer grad.Close()
		v, err := mlx.Values[float32](t, grad)
		fmt.Println(v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [2 2 6]
}

// A compiled function runs once for each shape. Its state goes in and out of the
// graph.
func ExampleThread_Compile() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		state := t.NewOwner("state")
		defer state.Close()
		zero, err := t.Zeros(mlx.Float32)
		if err != nil {
			return err
		}
		total := state.Slot(zero)
		c, err := t.Compile(func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
			fmt.Println("tracing", s.Shape(args[0]))
			sum := s.Add(*total, s.Sum(args[0], false))
			s.Assign(total, sum)
			return []mlx.Array{sum}
		}, mlx.WithState(total))
		if err != nil {
			return err
		}
		defer c.Close()
		for _, data := range [][]float32{{1, 2}, {3, 4}, {5, 6, 7}, {8, 9}} {
			sum, err := t.Build(func(s *mlx.Scope) mlx.Array { return c.Call(s, mlx.Const(s, data))[0] })
			if err != nil {
				return err
			}
			v, err := mlx.Item[float32](t, sum)
			if err != nil {
				return err
			}
			sum.Close()
			fmt.Println(v)
		}
		fmt.Println("retraces:", c.Retraces())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// tracing [2]
	// 3
	// 10
	// tracing [3]
	// 28
	// 45
	// retraces: 1
}

// A function of one vector does a matrix: here the distance of each row to a
// point that all rows share.
func ExampleVmap() {
	distance := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		return []mlx.Array{s.Sqrt(s.Sum(s.Square(s.Subtract(args[0], args[1])), false))}
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		distances, err := t.Build(func(s *mlx.Scope) mlx.Array {
			rows := mlx.Const(s, []float32{3, 4, 0, 0, 6, 8}, 3, 2)
			point := mlx.Const(s, []float32{0, 0})
			return mlx.Vmap(distance, mlx.InAxes(0, mlx.Unmapped))(s, []mlx.Array{rows, point})[0]
		})
		if err != nil {
			return err
		}
		defer distances.Close()
		v, err := mlx.Values[float32](t, distances)
		fmt.Println(v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [5 0 10]
}
