package models

import "testing"

func TestOlmoeParity(t *testing.T) { testParity(t, "olmoe") }
