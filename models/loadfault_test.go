package models

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Whichever operation of loading fails (here: of many), its error comes back and nothing is left
// open, whatever the weights are packed in.
func TestEveryOperationOfLoadingMayFail(t *testing.T) {
	packers, adapters := packerCases(t), adapterCases(t)
	for name, load := range map[string]func(t *testing.T) func() (*Model, error){
		"gptq by activation": packed(packers["gptq by activation"]), "awq": packed(packers["awq"]), "fp8 padded": packed(packers["fp8 padded"]),
		"dora on 4 bits": func(t *testing.T) func() (*Model, error) {
			c := adapters["dora on 4 bits"]
			dir, adapter := c.folder(t), c.adapterFolder(t)
			return func() (*Model, error) {
				return Load(t.Context(), dir, WithWeights(Packed), WithDtype(mlx.BFloat16), WithAdapter(adapter))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := load(t)
			leaktest.Do(t, func(th *mlx.Thread) {
				live := mlx.Live()
				for n := 1; ; n += 1 + n/8 {
					boom := fmt.Errorf("operation %d", n)
					th.FailAt(n, boom)
					m, err := again()
					th.FailAt(0, nil)
					if err == nil {
						require.Greater(t, n, 5)
						require.NoError(t, m.Close())
						return
					}
					require.ErrorIs(t, err, boom)
					require.Equal(t, live, mlx.Live())
				}
			})
		})
	}
}

func packed(c *packerCase) func(t *testing.T) func() (*Model, error) {
	return func(t *testing.T) func() (*Model, error) {
		dir := c.folder(t)
		return func() (*Model, error) {
			return Load(t.Context(), dir, WithWeights(Packed), WithDtype(mlx.BFloat16))
		}
	}
}
