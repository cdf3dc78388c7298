package models

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Every quantisation of MLX's, packed and unpacked, gives mlx-lm's logits.
func TestQuantisationParity(t *testing.T) {
	if testing.Short() {
		t.Skip("TestQuantisationFromShapes loads them too")
	}
	testParity(t, "formats")
}

// withoutField takes a field out of a config.
func withoutField(t *testing.T, config []byte, field string) []byte {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(config, &fields))
	delete(fields, field)
	out, err := json.Marshal(fields)
	require.NoError(t, err)
	return out
}

// requireLogits loads a folder and compares the logits of the whole prompt. It
// returns the largest difference.
func (c *parityCase) requireLogits(t *testing.T, dir string, tolerance float64, opts ...Option) (worst float64) {
	t.Helper()
	m := loadTest(t, dir, append([]Option{WithDtype(mlx.Float32)}, opts...)...)
	leaktest.Do(t, func(th *mlx.Thread) { worst = c.runWhole(t, th, m, len(c.Tokens), tolerance) })
	return worst
}

// A config that says nothing, or only what another layer is, leaves it to the
// shapes how weights are packed.
func TestQuantisationFromShapes(t *testing.T) {
	cases := parityCases(t, "formats")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			c := cases[name]
			c.Config = withoutField(t, c.Config, "quantization")
			c.requireLogits(t, c.folder(t), 1e-5, WithWeights(Packed))
			if testing.Short() {
				return
			}
			c.Config = bytes.Replace(c.Config, []byte("{"), []byte(`{"quantization_config":{"group_size":64,"bits":8},`), 1)
			c.requireLogits(t, c.folder(t), 1e-5, WithWeights(Packed))
		})
	}
}
