package bindings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"
)

// #include "shim.h"
import "C"

// KernelsVariable names the environment variable that turns our own kernels for a
// CPU off when it is 0, and makes their products exact by default when it is exact.
// It is read once, when the libraries are loaded.
const KernelsVariable = "GO_MLX_CPU_KERNELS"

// ErrNoKernels is the error of the CPU functions where our own kernels are not
// loaded. It is wrapped with the reason.
var ErrNoKernels = errors.New("bindings: no kernels for a CPU")

// hasKernels is set once libgomlx serves, exactKernels where its products are to be
// exact by default.
var hasKernels, exactKernels atomic.Bool

// HasKernels loads the libraries if need be and reports whether our own kernels for
// a CPU came with them, built for this MLX. Without them, all other functions work.
//
// C: gomlx_built_for.
func HasKernels() bool { return ensure() == nil && hasKernels.Load() }

// ExactKernels reports whether KernelsVariable asks for exact products. Callers that
// would let products round their rows to 16 bits ask it first.
func ExactKernels() bool { return HasKernels() && exactKernels.Load() }

// ensureKernels is ensure for the functions of libgomlx.
func ensureKernels() error {
	if err := ensure(); err != nil {
		return err
	}
	if !hasKernels.Load() {
		return fmt.Errorf("%w: %s", ErrNoKernels, library.NoKernels)
	}
	return nil
}

// loadKernels loads libgomlx from the folder of libmlxc, and notes in lib its path
// or why it does not serve.
func loadKernels(lib *Library) {
	if os.Getenv(KernelsVariable) == "0" {
		lib.NoKernels = KernelsVariable + "=0 turns them off"
		return
	}
	path := libName("gomlx")
	if home := filepath.Dir(lib.MLXC); home != "." {
		if path = find(filepath.Join(home, path)); path == "" {
			lib.NoKernels = "no " + libName("gomlx") + " beside " + filepath.Base(lib.MLXC)
			return
		}
	}
	handle, err := open(path, openLocal)
	if err != nil {
		lib.NoKernels = err.Error()
		return
	}
	if err := checkKernels(path, handle); err != nil {
		C.gm_close_library(handle)
		lib.NoKernels = err.Error()
		return
	}
	lib.Kernels = path
	exactKernels.Store(os.Getenv(KernelsVariable) == "exact")
	hasKernels.Store(true)
}

// checkKernels refuses a library that was built for another MLX, whose layout its
// primitives rely on, or with another header.
func checkKernels(path string, handle unsafe.Pointer) error {
	if missing := C.gm_resolve_kernels(handle); missing != nil {
		return fmt.Errorf("%s has no function %s: run `mlx setup`", path, C.GoString(missing))
	}
	r := C.gm_built_for()
	if r.err != nil {
		return fail("built_for", r.err)
	}
	mlx, header, _ := strings.Cut(takeString(uintptr(r.w0)), " ")
	switch {
	case mlx != MLXVersion:
		return fmt.Errorf("%s was built for MLX %s, wanted %s", path, mlx, MLXVersion)
	case header != kernelsHeader:
		return fmt.Errorf("%s was built by another version of go-mlx: run `mlx setup`", path)
	}
	return nil
}
