package models

import "testing"

func TestDeepseekV3Parity(t *testing.T) { testParity(t, "deepseek_v3") }

// Unpacked, what mlx-lm packs a second time is nearer to what was stored.
func TestDeepseekV3StoredParity(t *testing.T) {
	testParity(t, "deepseek_v3_stored", WithWeights(Packed))
}
