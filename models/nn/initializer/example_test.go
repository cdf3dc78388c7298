package initializer_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The numbers are those of Python:
//
//	mx.random.seed(7)
//	nn.init.he_uniform()(mx.zeros((2, 2)))
func ExampleHeUniform() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		w, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return initializer.HeUniform()(s, mlx.NewKeys(s, 7), []int{2, 2}, mlx.Float32)
		})
		if err != nil {
			return err
		}
		defer w.Close()
		v, err := mlx.Values[float32](t, w)
		fmt.Printf("%.4f\n", v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [-1.0343 -0.4160 0.8148 -0.4369]
}
