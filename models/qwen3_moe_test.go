package models

import "testing"

func TestQwen3MoEParity(t *testing.T) { testParity(t, "qwen3_moe") }
