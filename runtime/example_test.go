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

// Two products at the same time; the sum waits for both.
func ExampleScope_On() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		side, err := t.NewStream()
		if err != nil {
			return err
		}
		defer side.Close()
		y, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{1, 2, 3, 4}, 2, 2)
			a := s.On(side, func(s *mlx.Scope) mlx.Array { return s.Matmul(x, x) })
			return s.Add(a, s.Matmul(x, s.Transpose(x)))
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
	// Output: [12 21 26 47]
}

// Under a launcher this is the mean over all processes; alone it is x.
func ExampleInitDistributed() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		g, err := mlx.InitDistributed(t, "any", false)
		if err != nil {
			return err
		}
		defer g.Close()
		mean, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{1, 2, 3})
			return s.Divide(s.AllSum(x, g), s.Scalar(float64(g.Size()), mlx.Float32))
		})
		if err != nil {
			return err
		}
		defer mean.Close()
		v, err := mlx.Values[float32](t, mean)
		fmt.Printf("%d of %d: %v\n", g.Rank(), g.Size(), v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 0 of 1: [1 2 3]
}

// A kernel of one's own in CUDA C++; where there is no CUDA, an error says so.
func ExampleCUDAKernel_Apply() {
	relu := mlx.CUDAKernel{
		Name: "relu", Inputs: []string{"x"}, Outputs: []string{"y"},
		Source: `
auto i = cg::this_grid().thread_rank();
if (i < x_shape[0]) y[i] = x[i] > T(0) ? x[i] : T(0);`,
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		y, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{-1, 0, 2})
			out := relu.Apply(s, []mlx.Array{x}, mlx.Launch{
				Grid: [3]int{3, 1, 1}, ThreadGroup: [3]int{32, 1, 1},
				Outputs:  []mlx.KernelOutput{{Shape: []int{3}, Dtype: mlx.Float32}},
				Template: []mlx.KernelConstant{{Name: "T", Value: mlx.Float32}},
			})
			if s.Err() != nil {
				return mlx.Array{}
			}
			return out[0]
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
		fmt.Println("no CUDA here")
	}
}
