package train_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/train"
)

// A model learns; the same run again is the same to the bit.
func TestRunLearnsAndRepeats(t *testing.T) {
	leaktest.Check(t)
	l, w := trainTiny(t, newSource(), train.WithIters(120))
	require.Greater(t, l[1], 3.0)
	require.Less(t, l[120], 0.5*l[1])
	again, w2 := trainTiny(t, newSource(), train.WithIters(120))
	require.Equal(t, l, again)
	require.Equal(t, w, w2)
}
