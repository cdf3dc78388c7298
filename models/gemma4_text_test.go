package models

import "testing"

func TestGemma4TextParity(t *testing.T) { testParity(t, "gemma4_text") }
