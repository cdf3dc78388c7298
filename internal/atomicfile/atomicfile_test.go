package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
)

// contents returns the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		got[e.Name()] = string(raw)
	}
	return got
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	require.NoError(t, atomicfile.Write(path, text("one")))
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, atomicfile.Write(path, text("two")))
	require.Equal(t, map[string]string{"a.txt": "two"}, contents(t, dir))
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), stat.Mode().Perm(), "permissions are kept")
	require.NoError(t, atomicfile.WritePath(path, func(tmp string) error {
		require.Equal(t, ".txt", filepath.Ext(tmp))
		require.Equal(t, dir, filepath.Dir(tmp))
		return os.WriteFile(tmp, []byte("three"), 0o600)
	}))
	require.Equal(t, map[string]string{"a.txt": "three"}, contents(t, dir))
}

func TestNothingIsLeftOfAFailure(t *testing.T) {
	full := errors.New("no space left on device")
	half := func(w io.Writer) error { return errors.Join(text("hal")(w), full) }
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	before := map[string]string{"a": "old"}
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))

	require.ErrorIs(t, atomicfile.Write(path, half), full)
	require.Equal(t, before, contents(t, dir))
	require.ErrorIs(t, atomicfile.WritePath(path, func(string) error { return full }), full)
	require.Equal(t, before, contents(t, dir))
	require.PanicsWithValue(t, "mine", func() { _ = atomicfile.Write(path, func(io.Writer) error { panic("mine") }) })
	require.Equal(t, before, contents(t, dir))

	err := atomicfile.WriteAll([]string{path, filepath.Join(dir, "b")}, func(p string, w io.Writer) error {
		if p == path {
			return text("new")(w)
		}
		return half(w)
	})
	require.ErrorIs(t, err, full)
	require.Equal(t, before, contents(t, dir), "not even the first")
	require.NoError(t, atomicfile.WriteAll([]string{path, filepath.Join(dir, "b")}, func(p string, w io.Writer) error {
		return text(filepath.Base(p))(w)
	}))
	require.Equal(t, map[string]string{"a": "a", "b": "b"}, contents(t, dir))
}

func TestPlacesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	never := func(io.Writer) error { t.Error("called"); return nil }
	require.ErrorIs(t, atomicfile.Write(filepath.Join(dir, "missing", "a"), never), fs.ErrNotExist)
	require.Error(t, atomicfile.Write(filepath.Join(dir, "file", "a"), never), "a file is no folder")
	require.ErrorContains(t, atomicfile.Write(filepath.Join(dir, "folder"), never), "not a regular file")
	// The name becomes a folder while the file is written: the rename fails.
	path := filepath.Join(dir, "late")
	require.Error(t, atomicfile.Write(path, func(io.Writer) error { return os.Mkdir(path, 0o700) }))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "no temporary file is left")
}
