package models

import "testing"

func TestQwen3NextParity(t *testing.T) { testParity(t, "qwen3_next") }
