package models

import "testing"

func TestGemma3Parity(t *testing.T) { testParity(t, "gemma3") }
