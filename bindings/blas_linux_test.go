package bindings_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// A process that has loaded the libraries and does nothing takes no processor: the
// threads of OpenBLAS, which would spin for a tenth of a second, have gone to sleep.
func TestLoadLeavesTheCoresAlone(t *testing.T) {
	out, err := inChild(t, []string{"OPENBLAS_NUM_THREADS=2"}, func() {
		lib, err := bindings.LoadLibrary()
		require.NoError(t, err)
		if lib.BLAS == "" {
			fmt.Print("<<no BLAS>>")
			return
		}
		time.Sleep(10 * time.Millisecond)
		before := processorTime(t)
		time.Sleep(80 * time.Millisecond)
		fmt.Printf("<<rests %v>>", processorTime(t)-before < 40*time.Millisecond)
	})
	require.NoError(t, err, out)
	require.Regexp(t, "<<(rests true|no BLAS)>>", out)
}

func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
