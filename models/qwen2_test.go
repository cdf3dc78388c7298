package models

import "testing"

func TestQwen2Parity(t *testing.T) { testParity(t, "qwen2") }
