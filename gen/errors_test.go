package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrors generates from every broken module of testdata/errors: what gen
// says must be error.txt, and nothing may be written.
func TestErrors(t *testing.T) {
	dir := filepath.Join("testdata", "errors")
	for _, name := range cases(t, dir) {
		t.Run(name, func(t *testing.T) {
			golden, err := filepath.Abs(filepath.Join(dir, name, "error.txt"))
			require.NoError(t, err)
			t.Chdir(moduleOf(t, filepath.Join(dir, name)))
			err = run(".", "include")
			require.Error(t, err)
			require.Empty(t, outputs(t, "."), "files were written all the same")
			got := err.Error() + "\n"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}
