package data

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of the child process, whose data may not grow above memory while it reads a file
// of fileSize.
const (
	memory   = 192 << 20
	fileSize = 224 << 20
	wideRow  = 64 << 10
)

// A file that is larger than the memory of the process is read, row by row.
func TestFileLargerThanMemory(t *testing.T) {
	if path := os.Getenv("STREAM"); path != "" {
		readAll(t, path)
		return
	}
	if testing.Short() {
		t.Skip("writes a file of 224 MB")
	}
	path := filepath.Join(t.TempDir(), "large.jsonl")
	f, err := os.Create(path)
	require.NoError(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	space := strings.Repeat(" ", wideRow)
	for i := range fileSize / wideRow {
		fmt.Fprintf(w, "{\"text\": \"row %d\"%s}\n", i, space)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	cmd := exec.Command(os.Args[0], "-test.run=^TestFileLargerThanMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "STREAM="+path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.True(t, bytes.Contains(out, []byte("too much was refused")), "%s", out)
}

// readAll is the child process.
func readAll(t *testing.T, path string) {
	limit := &syscall.Rlimit{Cur: memory, Max: memory}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_DATA, limit))
	_, err := syscall.Mmap(-1, 0, fileSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	require.ErrorIs(t, err, syscall.ENOMEM) // the limit works
	t.Log("too much was refused")
	f := open(t, path, tinyEncoder(t, "smollm", chatML))
	require.Equal(t, fileSize/wideRow, f.Len())
	b := newBatches(t, f, BatchSize(8), Packed(), MaxLength(64))
	require.Greater(t, b.Len(), 40)
	for range 10 {
		require.Equal(t, 8, next(t, b).B)
	}
}
