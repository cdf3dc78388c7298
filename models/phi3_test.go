package models

import "testing"

func TestPhi3Parity(t *testing.T) { testParity(t, "phi3") }
