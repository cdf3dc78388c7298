package nn_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// rows is a checkpoint of matrices in Go.
type rows map[string][][]float32

func (r rows) Names() []string { return slices.Collect(maps.Keys(r)) }

func (r rows) Tensor(name string) nn.Tensor {
	if m, ok := r[name]; ok {
		return matrix(m)
	}
	return nil
}

type matrix [][]float32

func (m matrix) Shape() []int { return []int{len(m), len(m[0])} }

func (m matrix) Dense(t *mlx.Thread, _ mlx.Dtype) (mlx.Array, error) {
	return mlx.FromSlice(t, slices.Concat(m...), m.Shape()...)
}

// mlp names its weights in tags; gate and up run as one product.
type mlp struct {
	GateUp nn.Fused  `weight:"gate_proj,up_proj"`
	Down   nn.Linear `weight:"down_proj"`
}

func (m *mlp) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	gate, up := nn.Two(m.GateUp.Forward(s, x))
	return m.Down.Forward(s, nn.SwiGLU(s, gate, up))
}

func ExampleLoad() {
	weights := rows{
		"gate_proj.weight": {{1, 0}, {0, 1}},
		"up_proj.weight":   {{1, 1}, {1, -1}},
		"down_proj.weight": {{1, 1}},
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		owner := t.NewOwner("weights")
		defer owner.Close()
		model := new(mlp)
		if err := nn.Load(context.Background(), t, model, weights, nn.Policy{Dtype: mlx.Float32}, owner); err != nil {
			return err
		}
		y, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return model.Forward(s, mlx.Const(s, []float32{1, 2}, 1, 2))
		})
		if err != nil {
			return err
		}
		defer y.Close()
		v, err := mlx.Values[float32](t, y) // 3 silu(1) - silu(2)
		fmt.Printf("%.4f\n", v)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [0.4316]
}

// What does not fit is told at once, by name.
func ExampleLoad_faults() {
	weights := rows{
		"gate_proj.weight": {{1, 0}, {0, 1}},
		"up_proj.weight":   {{1, 1, 1}, {1, -1, 1}},
		"q_proj.weight":    {{1}},
	}
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		owner := t.NewOwner("weights")
		defer owner.Close()
		model := &mlp{GateUp: nn.Fused{In: 2}}
		return nn.Load(context.Background(), t, model, weights, nn.Policy{Dtype: mlx.Float32}, owner)
	})
	fmt.Println(err)
	// Output:
	// nn: weights missing: down_proj.weight
	// nn: weights not part of the model: q_proj.weight
	// nn: weights of the wrong shape: up_proj.weight has shape [2 3], want [0 2]
}
