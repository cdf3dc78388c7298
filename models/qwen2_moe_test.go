package models

import "testing"

func TestQwen2MoEParity(t *testing.T) { testParity(t, "qwen2_moe") }
