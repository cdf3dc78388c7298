package models

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestGptOssParity(t *testing.T) { testParity(t, "gpt_oss") }

// What transformers saves of an unpacked model has gate and up by turns, and each
// expert's matrices transposed. mlx-lm does not read that; the same weights in its
// own form are the reference.
func TestGptOssTransposed(t *testing.T) {
	leaktest.Check(t)
	c := parityCases(t, "gpt_oss")["plain"]
	dir := c.folder(t)
	leaktest.Do(t, func(th *mlx.Thread) { transposeExperts(t, th, filepath.Join(dir, "model.safetensors")) })
	m := loadTest(t, dir, WithDtype(mlx.Float32))
	leaktest.Do(t, func(th *mlx.Thread) { c.runWhole(t, th, m, 2, 1e-5) })
}

// transposeExperts rewrites a file of mlx-lm's form in that of transformers.
func transposeExperts(t *testing.T, th *mlx.Thread, path string) {
	t.Helper()
	stored, _, err := mlx.LoadSafetensors(th, path)
	require.NoError(t, err)
	defer func() { require.NoError(t, mlx.CloseAll(slices.Collect(maps.Values(stored))...)) }()
	var names []string
	made, err := th.BuildAll(func(s *mlx.Scope) (made []mlx.Array) {
		add := func(name string, a mlx.Array) { names, made = append(names, name), append(made, a) }
		for name, a := range stored {
			experts, projection, found := strings.Cut(name, ".experts.")
			experts += ".experts."
			switch {
			case !found:
				add(name, s.Contiguous(a, false))
			case projection == "gate_proj.weight":
				both := s.StackAxis([]mlx.Array{a, stored[experts+"up_proj.weight"]}, 2)
				add(experts+"gate_up_proj", s.Contiguous(s.SwapAxes(s.Flatten(both, 1, 2), 1, 2), false))
			case projection == "gate_proj.bias":
				both := s.StackAxis([]mlx.Array{a, stored[experts+"up_proj.bias"]}, 2)
				add(experts+"gate_up_proj_bias", s.Flatten(both, 1, 2))
			case projection == "down_proj.weight":
				add(experts+"down_proj", s.Contiguous(s.SwapAxes(a, 1, 2), false))
			case projection == "down_proj.bias":
				add(experts+"down_proj_bias", s.Contiguous(a, false))
			}
		}
		return made
	})
	require.NoError(t, err)
	require.NoError(t, th.Eval(made...))
	out := map[string]mlx.Array{}
	for i, name := range names {
		out[name] = made[i]
	}
	require.NoError(t, mlx.SaveSafetensors(th, path, out, nil))
	require.NoError(t, mlx.CloseAll(made...))
}
