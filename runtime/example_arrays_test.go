package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func ExampleAt() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		x, err := mlx.FromSlice(t, []mlx.BF16{mlx.ToBF16(0.5), mlx.ToBF16(1), mlx.ToBF16(1.5), mlx.ToBF16(2)}, 2, 2)
		if err != nil {
			return err
		}
		defer x.Close()
		last, err := mlx.At[float32](t, x, -1, -1)
		if err != nil {
			return err
		}
		fmt.Println(last)
		_, err = mlx.At[float32](t, x, 0, 2)
		fmt.Println(err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2
	// mlx: at: index 2 is out of range for dimension 1 of 2 elements (example_arrays_test.go:25)
}

func ExampleFormat() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		x, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return s.Reshape(s.Arange(0, 3000, 0.5, mlx.Float32), 1000, 6)
		})
		if err != nil {
			return err
		}
		defer x.Close()
		text, err := mlx.Format(t, x)
		fmt.Println(text)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// array([[0, 0.5, 1, 1.5, 2, 2.5],
	//        [3, 3.5, 4, 4.5, 5, 5.5],
	//        [6, 6.5, 7, 7.5, 8, 8.5],
	//        ...,
	//        [2991, 2991.5, 2992, 2992.5, 2993, 2993.5],
	//        [2994, 2994.5, 2995, 2995.5, 2996, 2996.5],
	//        [2997, 2997.5, 2998, 2998.5, 2999, 2999.5]], dtype=float32)
}

// View reads where the elements are. The slice is good until the function
// returns.
func ExampleView() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		x, err := mlx.FromSlice(t, []float32{3, 1, 4, 1, 5})
		if err != nil {
			return err
		}
		defer x.Close()
		var sum float32
		err = mlx.View(t, x, func(elements []float32) error {
			for _, e := range elements {
				sum += e
			}
			return nil
		})
		fmt.Println(sum)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 14
}

func ExampleSaveSafetensors() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "weights.safetensors")
	err = mlx.Do(context.Background(), func(t *mlx.Thread) error {
		w, err := mlx.FromSlice(t, []mlx.F16{mlx.ToF16(0.25), mlx.ToF16(-1)}, 1, 2)
		if err != nil {
			return err
		}
		defer w.Close()
		err = mlx.SaveSafetensors(t, path, map[string]mlx.Array{"layer.weight": w}, map[string]string{"format": "mlx"})
		if err != nil {
			return err
		}
		loaded, metadata, err := mlx.LoadSafetensors(t, path)
		if err != nil {
			return err
		}
		again := loaded["layer.weight"]
		defer again.Close()
		text, err := mlx.Format(t, again) // the data is read here
		fmt.Println(text, metadata)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: array([[0.25, -1]], dtype=float16) map[format:mlx]
}

func ExampleExportFunction() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "double.mlxfn")
	err = mlx.Do(context.Background(), func(t *mlx.Thread) error {
		x, err := mlx.FromSlice(t, []float32{1, 2, 3})
		if err != nil {
			return err
		}
		defer x.Close()
		double := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
			return []mlx.Array{s.Add(args[0], args[0])}
		}
		if err := mlx.ExportFunction(t, path, double, []mlx.Array{x}); err != nil {
			return err
		}
		f, err := mlx.ImportFunction(t, path)
		if err != nil {
			return err
		}
		defer f.Close()
		y, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s, x) })
		if err != nil {
			return err
		}
		defer mlx.CloseAll(y...)
		v, err := mlx.Values[float32](t, y[0])
		fmt.Println(v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [2 4 6]
}
