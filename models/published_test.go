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
		"OLMo-2-1124-7B": {7_298_617_344, 32 * 2 * 4096 * 4},
		"Olmo-3-1025-7B": {7_298_011_136, 32 * 2 * 4096 * 2},
		"GLM-4-9B-0414":  {9_400_279_040, 40 * 2 * 2 * 128 * 2},

		"Llama-3.2-1B-Instruct":    {1_235_814_400, 16 * 2 * 8 * 64 * 2},
		"Llama-3.1-8B-Instruct":    {8_030_261_248, 32 * 2 * 8 * 128 * 2},
		"Llama-3.3-70B-Instruct":   {70_553_706_496, 80 * 2 * 8 * 128 * 2},
		"SmolLM2-135M":             {134_515_008, 30 * 2 * 3 * 64 * 2},
		"SmolLM3-3B":               {3_075_098_624, 36 * 2 * 4 * 128 * 2},
		"Mistral-7B-Instruct-v0.3": {7_248_023_552, 32 * 2 * 8 * 128 * 2},
		"Qwen2.5-7B-Instruct":      {7_615_616_512, 28 * 2 * 4 * 128 * 2},
		"Qwen3-0.6B":               {596_049_920, 28 * 2 * 8 * 128 * 2},
		"Qwen3-8B":                 {8_190_735_360, 36 * 2 * 8 * 128 * 2},
		"Qwen3-32B":                {32_762_123_264, 64 * 2 * 8 * 128 * 2},
		"phi-4":                    {14_659_507_200, 40 * 2 * 10 * 128 * 2},
		"Phi-4-mini-instruct":      {3_836_021_760, 32 * 2 * 8 * 128 * 2},

		"Devstral-Small-2-24B-Instruct-2512": {23_572_403_200, 40 * 2 * 8 * 128 * 2}, // the language model
		"Devstral-2-123B-Instruct-2512":      {125_025_988_608, 88 * 2 * 8 * 128 * 2},

		"Qwen3-30B-A3B":             {30_532_122_624, 48 * 2 * 4 * 128 * 2},
		"Qwen1.5-MoE-A2.7B":         {14_315_784_192, 24 * 2 * 16 * 128 * 2},
		"OLMoE-1B-7B-0924":          {6_919_161_856, 16 * 2 * 16 * 128 * 2},
		"granite-3.0-8b-base":       {8_170_848_256, 40 * 2 * 8 * 128 * 2},
		"granite-3.0-1b-a400m-base": {1_334_628_352, 24 * 2 * 8 * 64 * 2},
		"Mixtral-8x7B-v0.1":         {46_702_792_704, 32 * 2 * 8 * 128 * 2},
		"gpt-oss-20b":               {20_914_757_184, 24 * 2 * 8 * 64 * 2},
		"gpt-oss-120b":              {116_829_156_672, 36 * 2 * 8 * 64 * 2},

		"GLM-4.5-Air":      {106_852_251_264, 46 * 2 * 8 * 128 * 2}, // 110,468,824,832 with the layer that predicts
		"DeepSeek-V2-Lite": {15_706_484_224, 27 * (512 + 64) * 2},
		"Kimi-K2-Instruct": {1_026_408_232_448, 61 * (512 + 64) * 2},
		"DeepSeek-V3":      {671_026_419_200, 61 * (512 + 64) * 2}, // the latent and the turned key
	} {
		requirePublished(t, name, want.parameters, want.token)
	}
}

// requirePublished describes testdata/configs/NAME.json, which must have so many
// parameters, and so many bytes of a cache for each token.
func requirePublished(t *testing.T, name string, parameters int64, token uint64) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join("testdata", "configs", name+".json"))
	require.NoError(t, err)
	info, err := Describe(t.Context(), config)
	require.NoError(t, err, name)
	require.Equal(t, parameters, info.Parameters(), name)
	require.Equal(t, token, info.CacheBytes(2)-info.CacheBytes(1), name)
}
