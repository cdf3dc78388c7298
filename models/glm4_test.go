package models

import "testing"

func TestGlm4Parity(t *testing.T) { testParity(t, "glm4") }
