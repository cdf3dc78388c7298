package models

import "testing"

func TestMistralParity(t *testing.T) { testParity(t, "mistral") }
