package safetensors_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/tiny.safetensors", "testdata/dtypes.safetensors"} {
		raw, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(raw)
	}
	for _, tt := range hostile {
		f.Add(tt.file)
	}
	f.Fuzz(exercise)
}
