package models

import "testing"

func TestSmolLM3Parity(t *testing.T) { testParity(t, "smollm3") }
