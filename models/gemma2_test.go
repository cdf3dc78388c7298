package models

import "testing"

func TestGemma2Parity(t *testing.T) { testParity(t, "gemma2") }
