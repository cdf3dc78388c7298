package models

import "testing"

func TestGemma4Parity(t *testing.T) { testParity(t, "gemma4") }
