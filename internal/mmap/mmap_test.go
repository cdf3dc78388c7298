package mmap_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/mmap"
)

func TestMappings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))
	data, unmap, err := mmap.Open(path)
	require.NoError(t, err)
	require.Equal(t, "hello", string(data))

	private, unmapPrivate, err := mmap.OpenPrivate(path)
	require.NoError(t, err)
	private[0] = 'J'
	require.Equal(t, "hello", string(data), "writes stay private")
	require.NoError(t, os.Remove(path))
	require.Equal(t, "Jello", string(private), "the mapping outlives the file's name")
	require.NoError(t, unmap())
	require.NoError(t, unmapPrivate())
}

func TestFilesThatCannotBeMapped(t *testing.T) {
	dir := t.TempDir()
	_, _, err := mmap.Open(dir)
	require.ErrorContains(t, err, "not a regular file")
	_, _, err = mmap.Open(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	data, unmap, err := mmap.Open(empty)
	require.NoError(t, err)
	require.Empty(t, data)
	require.NoError(t, unmap())
}

// What was released is read again; parts of pages at both ends are left alone.
func TestRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	content := make([]byte, 5*os.Getpagesize()+100)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	require.NoError(t, os.WriteFile(path, content, 0o600))
	data, unmap, err := mmap.Open(path)
	require.NoError(t, err)
	for _, span := range [][2]int{{0, len(data)}, {1, len(data) - 1}, {5, 10}, {100, 100}, {os.Getpagesize(), os.Getpagesize() + 1}} {
		require.Equal(t, content, data)
		mmap.Release(data[span[0]:span[1]])
		require.Equal(t, content, data, "%v", span)
	}
	require.NoError(t, unmap())
}
