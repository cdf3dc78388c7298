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
