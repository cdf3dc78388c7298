package cache_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A cache remembers the keys and values of earlier tokens: each query is attended
// to over all of them.
func ExampleCache() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		kv := cache.New(t, []cache.Kind{cache.Full()})
		defer kv.Close()
		for _, value := range []float32{1, 5, 9} {
			out, err := t.Build(func(s *mlx.Scope) mlx.Array {
				zero := s.Zeros([]int{1, 1, 1, 8}, mlx.Float32) // equal keys: the mean of the values
				v := s.Full([]int{1, 1, 1, 8}, s.Scalar(float64(value), mlx.Float32), mlx.Float32)
				return kv.KV(s, 0).Attend(s, zero, zero, v, cache.Attention{Scale: 1})
			})
			if err != nil {
				return err
			}
			mean, err := mlx.Values[float32](t, out)
			if err != nil {
				return err
			}
			fmt.Println(kv.Offset(), mean[0])
			out.Close()
		}
		fmt.Println(kv.Trim(2), kv.Offset())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 1
	// 2 3
	// 3 5
	// <nil> 1
}

// Sequences of different lengths are padded on the left to run together. When one
// is done its row goes, and others may come.
func ExampleMerge() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		attend := func(kv *cache.Cache, values ...float32) ([]float32, error) {
			rows := kv.Rows()
			tokens := len(values) / rows
			out, err := t.Build(func(s *mlx.Scope) mlx.Array {
				zero := s.Zeros([]int{rows, 1, tokens, 1}, mlx.Float32) // equal keys: the mean of the values
				return kv.KV(s, 0).Attend(s, zero, zero, mlx.Const(s, values, rows, 1, tokens, 1), cache.Attention{Scale: 1})
			})
			if err != nil {
				return nil, err
			}
			defer out.Close()
			return mlx.Values[float32](t, out)
		}
		a, b := cache.New(t, []cache.Kind{cache.Full()}), cache.New(t, []cache.Kind{cache.Full()})
		defer a.Close()
		defer b.Close()
		for kv, tokens := range map[*cache.Cache][]float32{a: {1, 2, 3}, b: {10}} {
			if _, err := attend(kv, tokens...); err != nil {
				return err
			}
		}
		both, err := cache.Merge(t, a, b)
		if err != nil {
			return err
		}
		defer both.Close()
		fmt.Println(attend(both, 6, 20))
		if err := both.Filter(t, 1); err != nil {
			return err
		}
		fmt.Println(attend(both, 30))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [3 15] <nil>
	// [20] <nil>
}
