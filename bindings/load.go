package bindings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// #cgo LDFLAGS: -ldl
// #include "shim.h"
import "C"

// LibraryPathVariable names the environment variable that, when set, says
// where the libraries lie: folders (or libmlxc itself), separated as in PATH.
// Then nothing else is searched.
const LibraryPathVariable = "GO_MLX_LIBRARY_PATH"

// Library tells what was loaded, for mlx doctor.
type Library struct {
	MLXC      string   // path of libmlxc
	MLX       string   // path of libmlx, when it was found beside it
	BLAS      string   // path of the BLAS forwarding library, or ""
	Kernels   string   // path of libgomlx, our own kernels for a CPU, or ""
	NoKernels string   // why Kernels is ""
	Version   string   // MLX's version, as the library says it
	Tried     []string // the places looked at, each with what was found
}

var (
	loaded  atomic.Bool
	loading sync.Mutex
	library Library
)

// ensure loads the library at the first call.
func ensure() error {
	if loaded.Load() {
		return nil
	}
	_, err := LoadLibrary()
	return err
}

// LoadLibrary finds and loads libmlxc, once; it is called by every function. The
// places, in order: GO_MLX_LIBRARY_PATH, the executable's folder and ../lib
// from there, build/native in this module's checkout, the user cache folder
// (where `mlx setup` installs), Homebrew, and where the system looks. The
// error of a library that is missing or of another version names the version
// wanted, the places searched and the command that mends it.
func LoadLibrary() (Library, error) {
	loading.Lock()
	defer loading.Unlock()
	if loaded.Load() {
		return library, nil
	}
	var tried []string
	places, only := searchPlaces()
	for _, dir := range places {
		lib, err := loadFrom(dir, places, only)
		if err == nil {
			lib.Tried = append(tried, dir+": loaded")
			loadKernels(&lib)
			library = lib
			loaded.Store(true)
			return lib, nil
		}
		tried = append(tried, fmt.Sprintf("%s: %v", dir, err))
	}
	return Library{Tried: tried}, fmt.Errorf("bindings: no usable libmlxc for MLX %s (mlx-c %s): run `mlx setup`, or `make setup` in a checkout, or set %s; searched:\n\t%s",
		MLXVersion, MLXCVersion, LibraryPathVariable, strings.Join(tried, "\n\t"))
}

// errAbsent says that a folder holds no libmlxc.
var errAbsent = errors.New("no libmlxc there")

// searchPlaces lists the folders to look in; "" is the system's own search.
// only is true when the environment names them.
func searchPlaces() (places []string, only bool) {
	if v := os.Getenv(LibraryPathVariable); v != "" {
		return filepath.SplitList(v), true
	}
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		places = append(places, dir, filepath.Join(dir, "..", "lib"))
	}
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		places = append(places, filepath.Join(filepath.Dir(file), "..", "build", "native", "lib"))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		for _, backend := range backends() {
			places = append(places, filepath.Join(cache, "go-mlx", "native", MLXVersion+"-"+backend, "lib"))
		}
	}
	if runtime.GOOS == "darwin" {
		places = append(places, "/opt/homebrew/lib", "/usr/local/lib")
	}
	return append(places, ""), false
}

// backends lists the installations to prefer, the fastest first.
func backends() []string {
	if runtime.GOOS == "darwin" {
		return []string{"metal", "cpu"}
	}
	return []string{"cuda", "cpu"}
}

// libName is the file name of a library on this system.
func libName(base string) string {
	if runtime.GOOS == "darwin" {
		return "lib" + base + ".dylib"
	}
	return "lib" + base + ".so"
}

// find returns the first of the files that exists.
func find(files ...string) string {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && !info.IsDir() {
			return f
		}
	}
	return ""
}

// loadFrom tries one place: the BLAS first, so that its symbols win over those
// that libmlx brings, then libmlx, then libmlxc.
func loadFrom(dir string, places []string, only bool) (Library, error) {
	lib := Library{MLXC: libName("mlxc")}
	if dir != "" {
		lib.MLXC = find(filepath.Join(dir, libName("mlxc")), filepath.Join(dir, "lib", libName("mlxc")))
		if filepath.Base(dir) == libName("mlxc") {
			lib.MLXC = find(dir)
		}
		if lib.MLXC == "" {
			return lib, errAbsent
		}
		home := filepath.Dir(lib.MLXC)
		lib.BLAS = find(filepath.Join(home, libName("gomlxblas")))
		beside := []string{filepath.Join(home, libName("mlx")), filepath.Join(home, "..", "mlx", "lib", libName("mlx"))}
		if only {
			for _, p := range places {
				beside = append(beside, filepath.Join(p, libName("mlx")), filepath.Join(p, "lib", libName("mlx")))
			}
		}
		lib.MLX = find(beside...)
	}
	for _, first := range []struct {
		path string
		open opener
	}{{lib.BLAS, openBLAS}, {lib.MLX, openGlobal}} {
		if first.path == "" {
			continue
		}
		if _, err := open(first.path, first.open); err != nil {
			return lib, err
		}
	}
	handle, err := open(lib.MLXC, openLocal)
	if err != nil {
		return lib, err
	}
	if missing := C.gm_resolve(handle); missing != nil {
		name := C.GoString(missing)
		C.gm_close_library(handle)
		return lib, fmt.Errorf("%s has no function %s: it is not mlx-c %s", lib.MLXC, name, MLXCVersion)
	}
	return lib, checkVersion(&lib, handle)
}

// opener is a way to load a library.
type opener func(path *C.char, message **C.char) unsafe.Pointer

// openGlobal makes the library's symbols win in later ones, as openBLAS does.
func openGlobal(path *C.char, message **C.char) unsafe.Pointer { return C.gm_open(path, true, message) }
func openLocal(path *C.char, message **C.char) unsafe.Pointer  { return C.gm_open(path, false, message) }
func openBLAS(path *C.char, message **C.char) unsafe.Pointer   { return C.gm_open_blas(path, message) }

// open loads one library.
func open(path string, how opener) (unsafe.Pointer, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var message *C.char
	handle := how(name, &message)
	if handle == nil {
		defer C.free(unsafe.Pointer(message))
		return nil, errors.New(C.GoString(message))
	}
	return handle, nil
}

// checkVersion asks the library for MLX's version, which must be the pinned
// one: mlx-c mirrors MLX's ABI, so a near miss would crash later.
func checkVersion(lib *Library, handle unsafe.Pointer) error {
	r := C.gm_mlx_version()
	if r.err != nil {
		return fail("version", r.err)
	}
	lib.Version = takeString(uintptr(r.w0))
	if lib.Version != MLXVersion {
		C.gm_close_library(handle)
		return fmt.Errorf("%s is MLX %s, wanted %s", lib.MLXC, lib.Version, MLXVersion)
	}
	probePercents()
	return nil
}

// SearchPlaces lists where LoadLibrary looks, in order, for mlx doctor.
func SearchPlaces() []string {
	places, _ := searchPlaces()
	return slices.Clone(places)
}
