package models

import "testing"

func TestOlmo3Parity(t *testing.T) { testParity(t, "olmo3") }
