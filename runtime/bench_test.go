package runtime_test

import (
	"context"
	"testing"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// onThread runs a benchmark on the default worker, without the tracing that the
// leak check turns on.
func onThread(b *testing.B, f func(th *mlx.Thread) error) {
	mlx.TraceHandles(false)
	defer mlx.TraceHandles(true)
	b.ReportAllocs()
	if err := mlx.Do(context.Background(), f); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDo is one hop to the worker's thread and back.
func BenchmarkDo(b *testing.B) {
	for b.Loop() {
		_ = mlx.Do(context.Background(), func(*mlx.Thread) error { return nil })
	}
}

// BenchmarkDoInline is a Do inside of Do.
func BenchmarkDoInline(b *testing.B) {
	onThread(b, func(*mlx.Thread) error {
		for b.Loop() {
			_ = mlx.Do(context.Background(), func(*mlx.Thread) error { return nil })
		}
		return nil
	})
}

// BenchmarkBuild builds and frees graphs of 1,000 operations.
func BenchmarkBuild(b *testing.B) {
	const ops = 1000
	graphs := map[string]func(s *mlx.Scope, x mlx.Array) mlx.Array{
		"add":     func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Add(x, x) },
		"exp":     func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Exp(x) },
		"reshape": func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(x, 2, 2) },
		"sum":     func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.SumAxis(x, -1, true) },
	}
	for name, op := range graphs {
		b.Run(name, func(b *testing.B) {
			onThread(b, func(th *mlx.Thread) error {
				x, err := mlx.FromSlice(th, []float32{1, 2, 3, 4}, 2, 2)
				if err != nil {
					return err
				}
				defer x.Close()
				for b.Loop() {
					_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
						for range ops {
							op(s, x)
						}
						return nil
					})
					if err != nil {
						return err
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/ops, "ns/graph-op")
				return nil
			})
		})
	}
}

// BenchmarkBuildChain builds a chain of 1,000 operations, each on the last.
func BenchmarkBuildChain(b *testing.B) {
	onThread(b, func(th *mlx.Thread) error {
		x, err := mlx.FromSlice(th, []float32{1, 2, 3, 4}, 2, 2)
		if err != nil {
			return err
		}
		defer x.Close()
		for b.Loop() {
			y, err := th.Build(func(s *mlx.Scope) mlx.Array {
				y := x
				for range 250 {
					y = s.Tanh(s.Multiply(s.Reshape(s.Add(y, x), 2, 2), x))
				}
				return y
			})
			if err != nil {
				return err
			}
			if err := y.Close(); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkShape asks for a shape of three dimensions, and for one of them.
func BenchmarkShape(b *testing.B) {
	onThread(b, func(th *mlx.Thread) error {
		x, err := th.Zeros(mlx.Float32, 2, 3, 4)
		if err != nil {
			return err
		}
		defer x.Close()
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			for b.Loop() {
				s.Shape(x)
				s.Dim(x, -1)
			}
			return nil
		})
		return err
	})
}

// BenchmarkValues reads 100 MB.
func BenchmarkValues(b *testing.B) {
	const n = 25 << 20
	b.SetBytes(4 * n)
	onThread(b, func(th *mlx.Thread) error {
		x, err := th.Zeros(mlx.Float32, n)
		if err != nil {
			return err
		}
		defer x.Close()
		if err := th.Eval(x); err != nil {
			return err
		}
		for b.Loop() {
			if _, err := mlx.Values[float32](th, x); err != nil {
				return err
			}
		}
		return nil
	})
}
