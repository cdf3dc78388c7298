// Package runtime makes MLX safe and readable in Go. It is always imported as
// mlx:
//
//	import mlx "forge.lthn.ai/core/go-mlx/runtime"
//
// # Where MLX runs
//
// In MLX streams, random state and compile caches belong to an OS thread, while
// goroutines move between threads. So one Worker owns one locked OS thread, and
// [Do] runs a function there:
//
//	err := mlx.Do(ctx, func(t *mlx.Thread) error {
//		...
//	})
//
// Hand it whole steps (loading, a prefill, a decode loop), never single
// operations: a hop costs microseconds, an operation a fraction of one. The
// *Thread that the function gets is the proof of being in the right place; it is
// dead once the function returns.
//
// # Graphs
//
// MLX is lazy: operations build a graph, [Thread.Eval] computes it. [Thread.Build]
// hands a [Scope] to a function. The Scope owns what its methods return and keeps
// the first error, so that the function reads like the formula:
//
//	y, err := t.Build(func(s *mlx.Scope) mlx.Array {
//		return s.Matmul(x, s.Transpose(w))
//	})
//	if err != nil {
//		return err
//	}
//	defer y.Close()
//	got, err := mlx.Values[float32](t, y) // evaluates y
//
// When the function returns, everything but its result is freed in one call.
//
// # Ownership
//
// An Array is a handle. Whoever gets one from Build, FromSlice or another
// function of this package closes it, or gives it to an [Owner]. Arrays that a
// Scope's methods return belong to the Scope. Nothing else is freed behind the
// caller's back, and [Live] counts what is open.
package runtime
