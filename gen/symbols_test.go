package main

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// locked is a line of gen/api.lock.
type locked struct{ header, family, goName, decl string }

// readLock reads gen/api.lock by C function.
func readLock(t *testing.T) map[string]locked {
	t.Helper()
	data, err := os.ReadFile("api.lock")
	require.NoError(t, err)
	lock := map[string]locked{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, f, 4, line)
		name := symbol.FindStringSubmatch(f[3])
		require.NotNil(t, name, line)
		require.NotContains(t, lock, name[1])
		lock[name[1]] = locked{f[0], f[1], f[2], f[3]}
	}
	return lock
}

// symbol finds the function's name in a declaration: the first with a bracket.
var symbol = regexp.MustCompile(`\b(_?(?:go)?mlx_\w+)\(`)

// TestEveryFunctionIsDecided lists what the headers declare. Each function has a
// line in the lock: bound under a Go name, or with a reason in go.generate.
func TestEveryFunctionIsDecided(t *testing.T) {
	m, lock := realManifest(t), readLock(t)
	api := realAPI(t)
	for _, f := range api.Funcs {
		l, ok := lock[f.Name]
		require.True(t, ok, "%s is not in api.lock", f.Name)
		require.Equal(t, f.Header, l.header, f.Name)
		if l.family == "skip" || l.family == "hand" {
			row, listed := m.find(l.family, f.Name)
			require.True(t, listed, "%s is neither bound nor listed under %s", f.Name, l.family)
			require.NotEmpty(t, row.Reason, f.Name)
			continue
		}
		require.NotContains(t, []string{"", "-", "by hand"}, l.goName, f.Name)
	}
	require.Len(t, lock, len(api.Funcs), "api.lock has functions that the headers do not declare")
}

// TestHandFunctionsAreCalled looks for the functions listed under hand in the
// hand-written half of the bindings.
func TestHandFunctionsAreCalled(t *testing.T) {
	var hand strings.Builder
	for _, pattern := range []string{"*.c", "*.go"} {
		paths, err := filepath.Glob(filepath.Join(module, "bindings", pattern))
		require.NoError(t, err)
		for _, p := range paths {
			base := filepath.Base(p)
			if strings.HasPrefix(base, "z") || strings.HasSuffix(base, "_test.go") {
				continue
			}
			data, err := os.ReadFile(p)
			require.NoError(t, err)
			hand.Write(data)
		}
	}
	used := words(hand.String())
	for name, l := range readLock(t) {
		if l.family == "hand" {
			require.True(t, used["p_"+name], "%s is listed under hand and nobody calls it", name)
		}
	}
}

// TestHeadersAsText reads the headers with nothing but regular expressions, as a
// check on the parser: the same functions come out.
func TestHeadersAsText(t *testing.T) {
	var parsed []string
	for _, f := range realAPI(t).Funcs {
		parsed = append(parsed, f.Name)
	}
	slices.Sort(parsed)
	require.Equal(t, textFunctions(t), parsed)
}

var (
	comments   = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	directives = regexp.MustCompile(`(?m)^[ \t]*#.*(\\\n.*)*$`)
	bodies     = regexp.MustCompile(`(?s)\{[^{}]*\}`)
)

// textFunctions lists what is declared as `result name(` outside of structs.
func textFunctions(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(headersDir(t), "mlx", "c", "*.h"))
	require.NoError(t, err)
	for _, h := range realManifest(t).Kernels {
		paths = append(paths, filepath.Join(module, "native", h))
	}
	var names []string
	for _, p := range paths {
		data, err := os.ReadFile(p)
		require.NoError(t, err)
		text := directives.ReplaceAllString(comments.ReplaceAllString(string(data), ""), "")
		text = strings.ReplaceAll(text, `extern "C" {`, "")
		text = bodies.ReplaceAllString(text, "")
		for decl := range strings.SplitSeq(text, ";") {
			if name := symbol.FindStringSubmatch(decl); name != nil && !strings.Contains(decl, "typedef") {
				names = append(names, name[1])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestLibrarySymbols compares the lock with the functions that the libraries
// export, which neither our parser nor the headers have any part in.
func TestLibrarySymbols(t *testing.T) {
	for _, library := range []struct {
		file     string
		prefixes []string
		ours     bool
	}{
		{"libmlxc.so", []string{"mlx_", "_mlx_"}, false},
		{"libgomlx.so", []string{"gomlx_"}, true},
	} {
		exported := librarySymbols(t, library.file, library.prefixes...)
		m, lock := realManifest(t), readLock(t)
		for name := range exported {
			require.Contains(t, lock, name, "%s exports %s, which the bindings do not know", library.file, name)
		}
		for name, l := range lock {
			if l.family == "skip" || exported[name] || strings.HasPrefix(name, "gomlx_") != library.ours {
				continue
			}
			row, ok := m.find("fallback", name)
			require.True(t, ok, "%s is bound, and %s does not have it", name, library.file)
			require.True(t, exported[row.Words[1]], "%s falls back to %s, which %s does not have", name, row.Words[1], library.file)
		}
	}
}

// librarySymbols lists the functions with one of the prefixes that a library
// exports.
func librarySymbols(t *testing.T, file string, prefixes ...string) map[string]bool {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads an ELF library")
	}
	path := filepath.Join(module, "build", "native", "lib", file)
	f, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no %s: run `make setup`", path)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	symbols, err := f.DynamicSymbols()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, s := range symbols {
		ours := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s.Name, p) })
		if ours && s.Section != elf.SHN_UNDEF && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			names[s.Name] = true
		}
	}
	require.NotEmpty(t, names)
	return names
}
