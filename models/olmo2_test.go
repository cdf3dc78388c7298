package models

import "testing"

func TestOlmo2Parity(t *testing.T) { testParity(t, "olmo2") }
