package models

import "testing"

// Gemma's published configurations make models of the sizes that their cards have.
func TestPublishedGemmas(t *testing.T) {
	const vision = 416_866_032 // of Gemma 3's checkpoints, beside a projection of 1152 features and their norm
	for name, want := range map[string]struct {
		parameters int64
		token      uint64
	}{
		"gemma-2-2b":      {2_614_341_888, 26 * 2 * 4 * 256 * 4},
		"gemma-2-9b":      {9_241_705_984, 42 * 2 * 8 * 256 * 4},
		"gemma-2-27b":     {27_227_128_320, 46 * 2 * 16 * 128 * 4},
		"gemma-3-270m-it": {268_098_176, 18 * 2 * 256 * 2},
		"gemma-3-1b-it":   {999_885_952, 26 * 2 * 256 * 2},
		"gemma-3-4b-it":   {4_300_079_472 - vision - 1152*(2560+1), 34 * 2 * 4 * 256 * 2},
		"gemma-3-12b-it":  {12_187_325_040 - vision - 1152*(3840+1), 48 * 2 * 8 * 256 * 2},
		"gemma-3-27b-it":  {27_432_406_640 - vision - 1152*(5376+1), 62 * 2 * 16 * 128 * 2},
		// The cards round: 12B, 25.2B and 30.7B; 5.1B and 8B with the towers of 450M.
		"gemma-4-E2B-it":     {4_628_569_379, (12*2*256 + 3*2*512) * 2}, // of 35 layers 15 have keys and values
		"gemma-4-E4B-it":     {7_463_013_418, (20*2*2*256 + 4*2*2*512) * 2},
		"gemma-4-12B-it":     {11_907_350_320, (40*2*8*256 + 8*2*1*512) * 2},
		"gemma-4-26B-A4B-it": {25_233_141_790, (25*2*8*256 + 5*2*2*512) * 2},
		"gemma-4-31B-it":     {30_697_345_340, (50*2*16*256 + 10*2*4*512) * 2},
	} {
		t.Run(name, func(t *testing.T) { requirePublished(t, name, want.parameters, want.token) })
	}
}
