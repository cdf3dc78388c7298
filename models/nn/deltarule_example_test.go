package nn_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A head remembers values by their keys. Writing replaces what was under a key,
// where a sum would add to it, and forgetting is by degrees.
func ExampleDeltaRule() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		y, err := t.Build(func(s *mlx.Scope) mlx.Array {
			keys := mlx.Const(s, []float32{
				1, 0,
				0, 1,
				1, 0,
				0, 1,
			}, 1, 4, 1, 2)
			y, _ := nn.DeltaRule{
				Q: keys, K: keys, // each position reads what it wrote
				V:     mlx.Const(s, []float32{3, 7, 5, 100}, 1, 4, 1, 1),
				Beta:  mlx.Const(s, []float32{1, 1, 1, 0}, 1, 4, 1), // the last one only reads
				Decay: s.Log(mlx.Const(s, []float32{1, 1, 1, 0.5}, 1, 4, 1)),
			}.Forward(s, mlx.Array{})
			return y
		})
		if err != nil {
			return err
		}
		defer y.Close()
		values, err := mlx.Values[float32](t, y)
		fmt.Println(values)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [3 7 5 3.5]
}
