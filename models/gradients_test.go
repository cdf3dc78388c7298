package models

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The loss of the next tokens, its gradients by every parameter, and the names of
// the parameters are those of mlx-lm, in the cases that have them.
func TestParityGradients(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "parity", "*.json"))
	require.NoError(t, err)
	found := 0
	for _, path := range files {
		file := strings.TrimSuffix(filepath.Base(path), ".json")
		for name, c := range parityCases(t, file) {
			if c.Norms == nil {
				continue
			}
			found++
			t.Run(file+"/"+name, func(t *testing.T) {
				m := loadTest(t, c.folder(t), WithTraining(), WithDtype(mlx.Float32))
				leaktest.Do(t, func(th *mlx.Thread) { c.requireGradients(t, th, m) })
			})
		}
	}
	require.Greater(t, found, 10)
}

func (c *parityCase) requireGradients(t *testing.T, th *mlx.Thread, m *Model) {
	t.Helper()
	params := nn.Trainable(m.Module())
	norms, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		tokens := mlx.Const(s, c.columns(len(c.Tokens), 0, len(c.Tokens[0])), len(c.Tokens), len(c.Tokens[0]))
		loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array { return nextToken(s, m, tokens) })
		for i, g := range grads {
			grads[i] = s.NormL2(g, nil, false)
		}
		return append(grads, loss)
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, mlx.CloseAll(norms...)) }()
	value := func(a mlx.Array) float64 {
		v, err := mlx.Item[float32](th, a)
		require.NoError(t, err)
		return float64(v)
	}
	require.InEpsilon(t, c.Loss, value(norms[len(params)]), 1e-5)
	require.Len(t, params, len(c.Norms))
	for i, p := range params {
		want, ok := c.Norms[p.Name]
		require.True(t, ok, p.Name)
		require.InDelta(t, want, value(norms[i]), 1e-4*want+1e-7, p.Name)
	}
}
