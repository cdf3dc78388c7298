package optim_test

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/train/optim"
)

// A rate that climbs for ten steps and then falls along a cosine.
func ExampleWarmup() {
	rate := optim.Warmup(0, 10, optim.Cosine(1e-3, 100, 1e-5))
	for _, step := range []int{0, 5, 10, 61, 111} {
		fmt.Printf("%d %.2g\n", step, rate(step))
	}
	// Output:
	// 0 0
	// 5 0.0005
	// 10 0.001
	// 61 0.00051
	// 111 1e-05
}
