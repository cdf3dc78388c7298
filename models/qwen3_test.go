package models

import "testing"

func TestQwen3Parity(t *testing.T) { testParity(t, "qwen3") }
