package models

import "testing"

func TestMinistral3Parity(t *testing.T) { testParity(t, "ministral3") }
