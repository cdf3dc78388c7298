package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// npm installs an npm that runs body, a shell script that finds the folder to save
// to in $dest.
func (m *machine) npm(body string) {
	m.t.Helper()
	m.pip(body)
	script, err := os.ReadFile(filepath.Join(m.bin, "python3"))
	require.NoError(m.t, err)
	script = bytes.Replace(script, []byte("--dest"), []byte("--pack-destination"), 1)
	require.NoError(m.t, os.WriteFile(filepath.Join(m.bin, "npm"), script, 0o755))
	require.NoError(m.t, os.Remove(filepath.Join(m.bin, "python3")))
}

func testArchive(file string, data []byte) Archive {
	return Archive{Package: "@some/lib", Version: "1.2.3", File: file, SHA256: sum(data)}
}

func TestNPMPackageIsDownloadedOnce(t *testing.T) {
	m := newMachine(t)
	data := []byte("the package")
	a := testArchive("some-lib-1.2.3.tgz", data)
	m.npm(m.saves(a.File, data))
	path, err := NPM(t.Context(), a, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoError(t, Verify(path, a.SHA256))
	require.Equal(t, []string{"downloads/" + a.File}, m.files(), "nothing else is left")
	calls := m.pipCalls()
	require.Len(t, calls, 1)
	require.True(t, strings.HasPrefix(calls[0], "pack --ignore-scripts "), calls[0])
	require.True(t, strings.HasSuffix(calls[0], " @some/lib@1.2.3"), calls[0])

	t.Setenv("PATH", "")
	_, err = NPM(t.Context(), a, &bytes.Buffer{})
	require.NoError(t, err)
}

func TestSdistIsDownloadedWithPip(t *testing.T) {
	m := newMachine(t)
	data := []byte("the source")
	a := testArchive("some_lib-1.2.3.tar.gz", data)
	a.Package = "some-lib"
	m.pip(m.saves(a.File, data))
	path, err := Sdist(t.Context(), a, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoError(t, Verify(path, a.SHA256))
	calls := m.pipCalls()
	require.Len(t, calls, 1)
	require.Contains(t, calls[0], "--no-deps")
	require.True(t, strings.HasSuffix(calls[0], " --no-binary=some-lib some-lib==1.2.3"), calls[0])
}

func TestNPMFailuresAreOneSentence(t *testing.T) {
	const log = `echo 'npm error code E404
npm error 404 Not Found - no such package
npm error A complete log of this run can be found in: /x' >&2; exit 1`
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"no such version", log, []string{"npm could not download @some/lib 1.2.3: 404 Not Found - no such package"}},
		{"an older npm", strings.ReplaceAll(log, "npm error", "npm ERR!"), []string{": 404 Not Found - no such package"}},
		{"silent", "exit 3", []string{"exit status 3"}},
		{"saves nothing", "exit 0", []string{"npm ended without error but saved no some-lib-1.2.3.tgz"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			m.npm(c.body)
			_, err := NPM(t.Context(), testArchive("some-lib-1.2.3.tgz", []byte("x")), &bytes.Buffer{})
			requireSentence(t, err, c.want...)
			require.Empty(t, m.files())
		})
	}
	newMachine(t)
	_, err := NPM(t.Context(), testArchive("some-lib-1.2.3.tgz", []byte("x")), &bytes.Buffer{})
	requireSentence(t, err, "npm is needed to download @some/lib and is not on the PATH")
	require.ErrorIs(t, err, ErrNoClient)
}

// tarOf is a gzipped tar archive.
func tarOf(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data))}))
		_, err := w.Write([]byte(e.data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "some.tgz")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	return path
}

func TestReadTar(t *testing.T) {
	path := tarOf(t, entry{"a/b.txt", "bee"}, entry{"a/c.bin", "sea"}, entry{"d.txt", ""})
	texts := func(name string) string {
		if filepath.Ext(name) == ".txt" {
			return filepath.Base(name)
		}
		return ""
	}
	files, err := ReadTar(t.Context(), path, texts)
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"b.txt": []byte("bee"), "d.txt": {}}, files)

	_, err = ReadTar(t.Context(), path, func(string) string { return "" })
	requireSentence(t, err, "some.tgz", "nothing of what was looked for")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ReadTar(ctx, path, texts)
	require.ErrorIs(t, err, context.Canceled)

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data[:len(data)/2], 0o644))
	_, err = ReadTar(t.Context(), path, texts)
	requireSentence(t, err, "some.tgz", "unexpected EOF")
	require.NoError(t, os.WriteFile(path, []byte("no archive"), 0o644))
	_, err = ReadTar(t.Context(), path, texts)
	requireSentence(t, err, "some.tgz", "gzip")
}

// TestReadTarBound refuses an archive that unpacks to too much before it is read.
func TestReadTarBound(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "big", Mode: 0o644, Size: 1 << 40}))
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "big.tgz")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	_, err := ReadTar(t.Context(), path, func(name string) string { return name })
	requireSentence(t, err, "big.tgz", "more than 67108864 bytes")
}
