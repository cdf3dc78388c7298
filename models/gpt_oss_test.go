package models

import "testing"

func TestGptOssParity(t *testing.T) { testParity(t, "gpt_oss") }
