package models

import "testing"

func TestMistral3Parity(t *testing.T) { testParity(t, "mistral3") }
