package optim_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
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

// A line through points, y = 2x + 1, found with Adam.
func ExampleState() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		owner := t.NewOwner("model")
		defer owner.Close()
		model := &nn.Linear{In: 1, Out: 1}
		if err := nn.Init(t, model, 0, owner); err != nil {
			return err
		}
		params := nn.Trainable(model)
		state, err := optim.NewState(t, optim.NewAdam(), params, owner)
		if err != nil {
			return err
		}
		rate := optim.Cosine(0.1, 300, 0)
		for step := range 300 {
			_, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
				x := mlx.Const(s, []float32{-1, 0, 1, 2}, 4, 1)
				y := mlx.Const(s, []float32{-1, 1, 3, 5}, 4, 1)
				_, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
					return losses.MSE(s, model.Forward(s, x), y)
				})
				grads, _ = optim.ClipNorm(s, grads, 10)
				state.Update(s, grads, s.Scalar(rate(step), mlx.Float32))
				return nil
			})
			if err != nil {
				return err
			}
			if err := t.Eval(params.Arrays()...); err != nil {
				return err
			}
		}
		for name, a := range params.All() {
			v, err := mlx.Values[float32](t, a)
			if err != nil {
				return err
			}
			fmt.Printf("%s %.2f\n", name, v)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// weight [2.00]
	// bias [1.00]
}
