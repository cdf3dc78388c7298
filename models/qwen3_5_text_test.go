package models

import "testing"

func TestQwen3_5Parity(t *testing.T) { testParity(t, "qwen3_5") }
