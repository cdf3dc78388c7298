package nn_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A linear regression by gradient descent: y = 2a - 3b + 1 is found again from
// points.
func Example_linearRegression() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		owner := t.NewOwner("model")
		defer owner.Close()
		x, err := mlx.FromSlice(t, []float32{0, 0, 1, 0, 0, 1, 1, 1, 2, -1}, 5, 2)
		if err != nil {
			return err
		}
		defer x.Close()
		y, err := mlx.FromSlice(t, []float32{1, 3, -2, 0, 8}, 5, 1)
		if err != nil {
			return err
		}
		defer y.Close()

		model := &nn.Linear{In: 2, Out: 1}
		if err := nn.Init(t, model, 0, owner); err != nil {
			return err
		}
		params := nn.Trainable(model)
		for range 300 {
			_, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
				_, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
					return losses.MSE(s, model.Forward(s, x), y)
				})
				for i, g := range grads {
					params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(s.Scalar(0.2, mlx.Float32), g)))
				}
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
			fmt.Printf("%s %.3f\n", name, v)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// weight [2.000 -3.000]
	// bias [1.000]
}
