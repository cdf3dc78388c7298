//go:build linux

package native

import (
	"debug/elf"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// blasName matches the functions of BLAS and LAPACK among what libmlx imports.
var blasName = regexp.MustCompile(`^(cblas_\w+|[sdcz](ge|or|po|sy|he|tr)\w+_)$`)

// symbols lists what a library defines, or what it imports.
func symbols(t *testing.T, library string, defined bool) map[string]bool {
	t.Helper()
	f, err := elf.Open(library)
	require.NoError(t, err)
	defer f.Close()
	all, err := f.DynamicSymbols()
	require.NoError(t, err)
	found := map[string]bool{}
	for _, s := range all {
		if (s.Section != elf.SHN_UNDEF) == defined {
			found[s.Name] = true
		}
	}
	return found
}

// TestForwardingCoversWhatLibmlxImports reads the installed libraries: each
// BLAS and LAPACK function that libmlx imports is forwarded, and each one that
// is forwarded exists in OpenBLAS. One that is forgotten would silently run
// through the slow reference BLAS.
func TestForwardingCoversWhatLibmlxImports(t *testing.T) {
	prefix := filepath.Join("..", "build", "native")
	forwarded := symbols(t, filepath.Join(prefix, "lib", "libgomlxblas.so"), true)
	require.NotEmpty(t, forwarded)
	n := 0
	for name := range symbols(t, filepath.Join(prefix, "mlx", "lib", "libmlx.so"), false) {
		if blasName.MatchString(name) {
			n++
			require.True(t, forwarded[name], "libmlx imports %s, which is not forwarded", name)
		}
	}
	require.Greater(t, n, 20)
	openblas := symbols(t, filepath.Join(prefix, "lib", "libscipy_openblas.so"), true)
	for name := range forwarded {
		if blasName.MatchString(name) {
			require.True(t, openblas["scipy_"+name], "OpenBLAS has no %s", name)
		}
	}
}
