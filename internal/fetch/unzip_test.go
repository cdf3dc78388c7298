package fetch

import (
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// all keeps every file under its own name.
func all(name string) string { return name }

// unzip writes data as a wheel and unpacks it into a new folder.
func unzip(t *testing.T, data []byte, keep func(string) string) (dir string, err error) {
	t.Helper()
	home := t.TempDir()
	wheel := filepath.Join(home, "a.whl")
	require.NoError(t, os.WriteFile(wheel, data, 0o644))
	dir = filepath.Join(home, "in", "dir")
	return dir, Unzip(t.Context(), wheel, dir, keep)
}

// tree lists the files below dir with their sizes.
func tree(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	files := map[string]int64{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = info.Size()
		return err
	}))
	return files
}

func TestUnzipKeepsWhatIsAskedFor(t *testing.T) {
	data := zipOf(t, entry{"mlx/", ""}, entry{"mlx/lib/libmlx.so", "library"}, entry{"mlx/empty", ""},
		entry{"other/x", "x"}, entry{"meta", "m"})
	dir, err := unzip(t, data, func(name string) string {
		if name == "meta" {
			return "renamed/meta.txt"
		}
		if strings.HasPrefix(name, "mlx/") {
			return name
		}
		return ""
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"mlx/lib/libmlx.so": 7, "mlx/empty": 0, "renamed/meta.txt": 1}, tree(t, dir))
	got, err := os.ReadFile(filepath.Join(dir, "mlx", "lib", "libmlx.so"))
	require.NoError(t, err)
	require.Equal(t, "library", string(got))
}

// patch returns data with the little-endian number at an offset replaced.
func patch(data []byte, at int, v uint32) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[at:], v)
	return data
}

// TestUnzipRefuses puts a good file before the bad one: it must not have been
// written when the wheel is refused.
func TestUnzipRefuses(t *testing.T) {
	good := entry{"good", "good"}
	whole := zipOf(t, good, entry{"lib", strings.Repeat("lib", 1000)})
	directory := bytes.LastIndex(whole, []byte("PK\x01\x02")) // of the last file; the size stands at 24
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"leaves the folder", zipOf(t, good, entry{"mlx/../../evil", "x"}), `"mlx/../../evil" leaves the folder`},
		{"absolute", zipOf(t, good, entry{"/tmp/evil", "x"}), `"/tmp/evil" leaves the folder`},
		{"absurd size", patch(whole, directory+24, 0xfffffff0), `"lib" claims 4294967280 bytes`},
		{"cut off", whole[:len(whole)-30], "no whole wheel"},
		{"cut in the first file", whole[:20], "no whole wheel"},
		{"empty", nil, "no whole wheel"},
		{"no zip", []byte("<html>404</html>"), "no whole wheel"},
		{"nothing in it", zipOf(t), "it holds nothing of what was looked for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := unzip(t, c.data, all)
			requireSentence(t, err, "a.whl", c.want)
			require.NoDirExists(t, dir, "nothing was written")
			require.NoFileExists(t, filepath.Join(dir, "..", "..", "evil"))
		})
	}
}

func TestUnzipRemovesAFileThatTurnsOutWrong(t *testing.T) {
	whole := zipOf(t, entry{"lib", strings.Repeat("lib", 1000)})
	directory := bytes.LastIndex(whole, []byte("PK\x01\x02"))
	for name, data := range map[string][]byte{
		"longer than it claims":  patch(whole, directory+24, 100),
		"shorter than it claims": patch(whole, directory+24, 5000),
		"another checksum":       patch(whole, directory+16, 0x12345678),
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := unzip(t, data, all)
			requireSentence(t, err, "a.whl", "lib")
			require.Empty(t, tree(t, dir))
		})
	}
}

func TestUnzipOfWhatIsNotThere(t *testing.T) {
	err := Unzip(t.Context(), filepath.Join(t.TempDir(), "gone.whl"), t.TempDir(), all)
	requireSentence(t, err, "gone.whl")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// stopAt is a context that is cancelled at its n-th question.
type stopAt struct {
	context.Context
	n int
}

func (s *stopAt) Err() error {
	if s.n--; s.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestUnzipStopsInTheMiddleOfAFile(t *testing.T) {
	wheel := filepath.Join(t.TempDir(), "a.whl")
	// Noise packs hardly at all: it takes many reads.
	noise := make([]byte, 2<<20)
	seed := uint32(time.Now().UnixNano())
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = byte(seed >> 24)
	}
	require.NoError(t, os.WriteFile(wheel, zipOf(t, entry{"large", string(noise)}), 0o644))
	dir := t.TempDir()
	err := Unzip(&stopAt{t.Context(), 20}, wheel, dir, all)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, tree(t, dir), "the part that was written is removed")
}
