package runtime_test

import (
	"context"
	"fmt"
	"log"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func ExampleDo() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		x, err := mlx.FromSlice(t, []float32{1, 2, 3, 4}, 2, 2)
		if err != nil {
			return err
		}
		defer x.Close()
		y, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return s.Matmul(x, s.Transpose(x))
		})
		if err != nil {
			return err
		}
		defer y.Close()
		v, err := mlx.Values[float32](t, y)
		fmt.Println(v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [5 11 11 25]
}

// A function of a Scope needs no checks: the first error stops it.
func ExampleThread_Build() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		softplus, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{0, 1})
			one := s.Scalar(1, mlx.Float32)
			return s.Log(s.Add(one, s.Exp(x)))
		})
		if err != nil {
			return err
		}
		defer softplus.Close()
		v, err := mlx.Values[float32](t, softplus)
		fmt.Printf("%.4f\n", v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [0.6931 1.3133]
}

// State changes only when the whole graph was built.
func ExampleScope_Assign() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		state := t.NewOwner("state")
		defer state.Close()
		sum, err := t.Zeros(mlx.Int32)
		if err != nil {
			return err
		}
		total := state.Slot(sum)
		for i := range int32(4) {
			_, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
				s.Assign(total, s.Add(*total, mlx.Const(s, []int32{i}, []int{}...)))
				return nil
			})
			if err != nil {
				return err
			}
		}
		v, err := mlx.Item[int32](t, *total)
		fmt.Println(v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 6
}

// Errors name the operation, MLX's message and the caller's line.
func ExampleError() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		_, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
			return s.Reshape(x, 4, 2)
		})
		return err
	})
	fmt.Println(err)
	// Output: mlx: reshape: Cannot reshape array of size 6 into shape (4,2). (example_test.go:91)
}

func ExampleOwner() {
	var weights *mlx.Owner
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		weights = t.NewOwner("weights")
		w, err := mlx.FromSlice(t, []float32{1, 2, 3})
		weights.Keep(w)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(weights.Close()) // from any goroutine
	// Output: <nil>
}

func ExampleThread_RandomKey() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		draw := func() ([]float32, error) {
			x, err := t.Build(func(s *mlx.Scope) mlx.Array {
				key := s.Own(t.RandomKey(7))
				return s.RandomNormal([]int{3}, mlx.Float32, 0, 1, key)
			})
			if err != nil {
				return nil, err
			}
			defer x.Close()
			return mlx.Values[float32](t, x)
		}
		a, err := draw()
		if err != nil {
			return err
		}
		b, err := draw()
		fmt.Println(len(a), a[0] == b[0])
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 3 true
}
