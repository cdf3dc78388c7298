package models

import "testing"

func TestGraniteMoEParity(t *testing.T) { testParity(t, "granitemoe") }
