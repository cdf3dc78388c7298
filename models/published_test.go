package models

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Published configurations make the models that their authors have: so many
// parameters, and so many bytes of a cache for each token.
func TestPublishedConfigs(t *testing.T) {
	for name, want := range map[string]struct {
		parameters int64
		token      uint64
	}{
		"OLMo-2-1124-7B":   {7_298_617_344, 32 * 2 * 4096 * 4},
		"Olmo-3-1025-7B":   {7_298_011_136, 32 * 2 * 4096 * 2},
		"GLM-4-9B-0414":    {9_400_279_040, 40 * 2 * 2 * 128 * 2},
		"DeepSeek-V2-Lite": {15_706_484_224, 27 * (512 + 64) * 2},
		"Kimi-K2-Instruct": {1_026_408_232_448, 61 * (512 + 64) * 2},
		"GLM-4.5-Air":      {106_852_251_264, 46 * 2 * 8 * 128 * 2}, // 110,468,824,832 with the layer that predicts
		"DeepSeek-V3":      {671_026_419_200, 61 * (512 + 64) * 2},  // the latent and the turned key
	} {
		config, err := os.ReadFile(filepath.Join("testdata", "configs", name+".json"))
		require.NoError(t, err)
		info, err := Describe(t.Context(), config)
		require.NoError(t, err, name)
		require.Equal(t, want.parameters, info.Parameters(), name)
		require.Equal(t, want.token, info.CacheBytes(2)-info.CacheBytes(1), name)
	}
}
