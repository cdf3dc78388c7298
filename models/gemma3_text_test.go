package models

import "testing"

func TestGemma3TextParity(t *testing.T) { testParity(t, "gemma3_text") }
