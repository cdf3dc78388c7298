package models

import "testing"

func TestGraniteParity(t *testing.T) { testParity(t, "granite") }
