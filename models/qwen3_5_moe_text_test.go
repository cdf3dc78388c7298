package models

import "testing"

func TestQwen3_5MoeParity(t *testing.T) { testParity(t, "qwen3_5_moe") }
