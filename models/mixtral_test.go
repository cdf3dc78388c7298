package models

import "testing"

func TestMixtralParity(t *testing.T) { testParity(t, "mixtral") }
