package nn_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A model is saved, and loaded into another, for inference. Python's
// model.load_weights reads the same file.
func ExampleSave() {
	dir, err := os.MkdirTemp("", "nn")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")
	ctx := context.Background()
	err = mlx.Do(ctx, func(t *mlx.Thread) error {
		owner := t.NewOwner("models")
		defer owner.Close()
		trained := &digitsMLP{Fc1: nn.Linear{In: 64, Out: 32}, Fc2: nn.Linear{In: 32, Out: 10}}
		if err := nn.Init(t, trained, 7, owner); err != nil {
			return err
		}
		if err := nn.Save(t, path, trained); err != nil {
			return err
		}
		loaded := new(digitsMLP) // takes the sizes that the file has
		if err := nn.LoadFile(ctx, t, path, loaded, nn.Policy{Dtype: mlx.Float32}, owner); err != nil {
			return err
		}
		same, err := t.Build(func(s *mlx.Scope) mlx.Array {
			x := s.Ones([]int{3, 64}, mlx.Float32)
			return s.Allclose(trained.Forward(s, x), loaded.Forward(s, x), 1e-5, 1e-6, false)
		})
		if err != nil {
			return err
		}
		defer same.Close()
		ok, err := mlx.Item[bool](t, same)
		fmt.Println("the same outputs:", ok)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: the same outputs: true
}
