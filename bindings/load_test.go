package bindings_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// load calls LoadLibrary in a process that has loaded nothing yet, with the given
// search path, and returns its error's text, or what it loaded.
func load(t *testing.T, path string) string {
	t.Helper()
	out, err := inChild(t, []string{bindings.LibraryPathVariable + "=" + path}, func() {
		lib, err := bindings.LoadLibrary()
		if err != nil {
			fmt.Printf("<<%v>>", err)
			return
		}
		fmt.Printf("<<loaded %s mlxc=%s tried=%s>>", lib.Version, lib.MLXC, strings.Join(lib.Tried, "|"))
	})
	require.NoError(t, err, out)
	_, text, found := strings.Cut(out, "<<")
	require.True(t, found, out)
	text, _, _ = strings.Cut(text, ">>")
	return text
}

// inChildLoad does the child's part of tests that prepare something before load.
func inChildLoad(t *testing.T) {
	t.Helper()
	if os.Getenv(childMarker) != "" {
		load(t, "") // the parent's argument stands in the environment
	}
}

// requireNotice requires that a failure to load says what is wanted, where it
// was sought and what mends it.
func requireNotice(t *testing.T, text string, places ...string) {
	t.Helper()
	wanted := "MLX " + bindings.MLXVersion + " (mlx-c " + bindings.MLXCVersion + ")"
	require.Contains(t, text, "bindings: no usable libmlxc for "+wanted)
	require.Contains(t, text, "run `mlx setup`, or `make setup` in a checkout, or set "+bindings.LibraryPathVariable)
	require.Contains(t, text, "searched:\n\t"+strings.Join(places, "\n\t"))
}

func libraryName() string {
	if runtime.GOOS == "darwin" {
		return "libmlxc.dylib"
	}
	return "libmlxc.so"
}

// installed is the folder of the library that the other tests run with.
func installed(t *testing.T) string {
	t.Helper()
	lib, err := bindings.LoadLibrary()
	require.NoError(t, err)
	require.Equal(t, bindings.MLXVersion, lib.Version)
	return filepath.Dir(lib.MLXC)
}

func TestLoadWithoutALibrary(t *testing.T) {
	dir := t.TempDir()
	text := load(t, dir)
	requireNotice(t, text, dir+": no libmlxc there")
}

func TestLoadSearchesEveryPlace(t *testing.T) {
	inChildLoad(t)
	empty, gone, home := t.TempDir(), filepath.Join(t.TempDir(), "gone"), installed(t)
	list := strings.Join([]string{empty, gone}, string(os.PathListSeparator))
	requireNotice(t, load(t, list), empty+": no libmlxc there", gone+": no libmlxc there")

	text := load(t, list+string(os.PathListSeparator)+home)
	require.Contains(t, text, "loaded "+bindings.MLXVersion)
	require.Contains(t, text, "tried="+empty+": no libmlxc there|"+gone+": no libmlxc there|"+home+": loaded")
}

// The variable may name the folder above lib, and the library itself.
func TestLoadFromTheVariable(t *testing.T) {
	inChildLoad(t)
	home := installed(t)
	file := filepath.Join(home, libraryName())
	require.Contains(t, load(t, file), "loaded "+bindings.MLXVersion+" mlxc="+file)
	if filepath.Base(home) == "lib" {
		require.Contains(t, load(t, filepath.Dir(home)), "loaded "+bindings.MLXVersion+" mlxc="+file)
	}
}

func TestLoadATextFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, libraryName()), []byte("not a library\n"), 0o600))
	text := load(t, dir)
	requireNotice(t, text, dir+": ")
	require.Contains(t, text, filepath.Join(dir, libraryName()))
}

// compile makes a libmlxc of C source.
func compile(t *testing.T, source string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "fake.c")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	cmd := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-o", filepath.Join(dir, libraryName()), file)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

func TestLoadALibraryWithoutTheFunctions(t *testing.T) {
	inChildLoad(t)
	dir := compile(t, "int mlx_version(void *s) { return 0; }\n")
	text := load(t, dir)
	requireNotice(t, text, dir+": "+filepath.Join(dir, libraryName())+" has no function mlx_")
	require.Contains(t, text, "it is not mlx-c "+bindings.MLXCVersion)
}

// fakeLibrary has all functions of mlx-c; only those that tell the version work.
func fakeLibrary(t *testing.T, version string) string {
	t.Helper()
	var c strings.Builder
	fmt.Fprintf(&c, `typedef struct { void *ctx; } mlx_string;
mlx_string mlx_string_new(void) { return (mlx_string){0}; }
const char *mlx_string_data(mlx_string s) { return s.ctx; }
int mlx_string_free(mlx_string s) { return 0; }
int mlx_version(mlx_string *s) { s->ctx = %q; return 0; }
`, version)
	for _, row := range readLock(t) {
		switch row.c {
		case "mlx_string_new", "mlx_string_data", "mlx_string_free", "mlx_version":
		default:
			fmt.Fprintf(&c, "void %s(void) {}\n", row.c)
		}
	}
	return compile(t, c.String())
}

func TestLoadAnotherVersion(t *testing.T) {
	inChildLoad(t)
	dir := fakeLibrary(t, "0.99.0")
	found := filepath.Join(dir, libraryName()) + " is MLX 0.99.0, wanted " + bindings.MLXVersion
	requireNotice(t, load(t, dir), dir+": "+found)

	// And the next place still serves.
	home := installed(t)
	text := load(t, dir+string(os.PathListSeparator)+home)
	require.Contains(t, text, "loaded "+bindings.MLXVersion+" mlxc="+filepath.Join(home, libraryName()))
}

// Every function reports a missing library as LoadLibrary does.
func TestCallsWithoutALibrary(t *testing.T) {
	out, err := inChild(t, []string{bindings.LibraryPathVariable + "=" + t.TempDir()}, func() {
		var a array
		var c bindings.Closure
		for name, err := range map[string]error{
			"constructor": second(bindings.NewArrayInt(1)),
			"op":          second(bindings.Add(a, a, stream{})),
			"list":        second(bindings.Split(a, 1, 0, stream{})),
			"scalar":      second(a.ItemFloat32()),
			"data":        second(a.DataFloat32()),
			"value":       second(a.Ndim()),
			"status":      a.Eval(),
			"set":         a.SetInt(1),
			"closure":     second(bindings.NewClosure(func([]array) ([]array, error) { return nil, nil })),
			"apply":       second(c.Apply(nil)),
			"reader":      second(bindings.NewIOReader(nil, "")),
			"graph":       second(bindings.PrintGraph(bindings.NodeNamer{}, nil)),
			"managed":     second(bindings.NewArrayDataManaged(nil, nil, bindings.Int8, nil)),
			"retain":      second(a.Retain()),
		} {
			require.ErrorContains(t, err, "bindings: no usable libmlxc", name)
		}
		require.NoError(t, a.Close())
		require.NoError(t, c.Close())
		require.NoError(t, bindings.CloseAll([]array{a}))
		require.Empty(t, bindings.Live())
	})
	require.NoError(t, err, out)
}

// The first calls of many goroutines load the library once.
func TestLoadFromManyGoroutines(t *testing.T) {
	out, err := inChild(t, nil, func() {
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				<-start
				a, err := bindings.NewArrayInt(3)
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := a.ItemInt32(); n != 3 || err != nil {
					t.Error(n, err)
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
	})
	require.NoError(t, err, out)
}

func TestSearchPlaces(t *testing.T) {
	t.Setenv(bindings.LibraryPathVariable, "")
	places := bindings.SearchPlaces()
	exe, err := os.Executable()
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(exe), places[0], "the executable's folder is first")
	require.Empty(t, places[len(places)-1], "the system's own search is last")
	require.Contains(t, strings.Join(places, "\n"), bindings.MLXVersion+"-cpu", "the user cache folder")
	t.Setenv(bindings.LibraryPathVariable, "a"+string(os.PathListSeparator)+"b")
	require.Equal(t, []string{"a", "b"}, bindings.SearchPlaces())
}
