package optim

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
