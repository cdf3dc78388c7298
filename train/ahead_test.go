package train_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/train"
)

// What the user says about MLX's bundles stands.
func TestLimitAhead(t *testing.T) {
	const name = "MLX_MAX_MB_PER_BUFFER"
	t.Setenv(name, "7")
	require.NoError(t, train.LimitAhead())
	require.Equal(t, "7", os.Getenv(name))
	require.NoError(t, os.Unsetenv(name))
	require.NoError(t, train.LimitAhead())
	require.Equal(t, "140", os.Getenv(name))
}
