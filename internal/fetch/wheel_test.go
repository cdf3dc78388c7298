package fetch

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWheelIsDownloadedOnce(t *testing.T) {
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	m.pip(m.saves(w.File, data))
	var out bytes.Buffer
	path, err := Wheel(t.Context(), w, &out)
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data, got)
	require.Equal(t, []string{"downloads/" + w.File}, m.files(), "nothing else is left")
	require.Contains(t, out.String(), "downloading some-lib 1.2.3")
	require.Contains(t, out.String(), "downloaded "+w.File)

	calls := m.pipCalls()
	require.Len(t, calls, 1)
	require.True(t, strings.HasPrefix(calls[0], "-m pip download --no-deps --disable-pip-version-check "), calls[0])
	require.True(t, strings.HasSuffix(calls[0],
		" --platform manylinux_2_27_x86_64 --platform manylinux_2_28_x86_64 some-lib==1.2.3"), calls[0])

	t.Setenv("PATH", "") // offline, and no tool at all
	out.Reset()
	again, err := Wheel(t.Context(), w, &out)
	require.NoError(t, err)
	require.Equal(t, path, again)
	require.Empty(t, out.String())
	require.Len(t, m.pipCalls(), 1)
}

func TestWheelFromAReadOnlyCache(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root may write everywhere: only the result is checked")
	}
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	dir := filepath.Join(m.cache, "downloads")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, w.File), data, 0o444))
	require.NoError(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	_, err := Wheel(t.Context(), w, &bytes.Buffer{})
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "not even a lock is written")
}

func TestWheelWithAnotherSumIsRefused(t *testing.T) {
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	m.pip(m.saves(w.File, []byte("another wheel")))
	_, err := Wheel(t.Context(), w, &bytes.Buffer{})
	requireSentence(t, err, w.File, sum(data), sum([]byte("another wheel")), "damaged")
	require.Empty(t, m.files())

	m.pip(m.saves(w.File, data))
	_, err = Wheel(t.Context(), w, &bytes.Buffer{})
	require.NoError(t, err)
}

func TestDamagedWheelInTheCacheIsFetchedAgain(t *testing.T) {
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	m.pip(m.saves(w.File, data))
	path, err := Wheel(t.Context(), w, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data[:4], 0o644))
	_, err = Wheel(t.Context(), w, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoError(t, Verify(path, w.SHA256))
	require.Len(t, m.pipCalls(), 2)
}

func TestWheelAfterAKilledDownload(t *testing.T) {
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	left := filepath.Join(m.cache, "downloads", tempPrefix(w.File)+"123")
	require.NoError(t, os.MkdirAll(left, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(left, w.File), data[:3], 0o644))
	other := filepath.Join(m.cache, "downloads", ".other-1.0-py3-none-any.whl-123", "x")
	require.NoError(t, os.MkdirAll(other, 0o755))
	m.pip(m.saves(w.File, data))
	_, err := Wheel(t.Context(), w, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoDirExists(t, left, "what the killed download left is removed")
	require.DirExists(t, other, "another download may be at work there")
}

// offlineLog is what pip 23.2 says without a network.
const offlineLog = `WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after ` +
	`connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f30>: ` +
	`Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/some-lib/
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after ` +
	`connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f31>: ` +
	`Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/some-lib/
ERROR: Could not find a version that satisfies the requirement some-lib==1.2.3 (from versions: none)
ERROR: No matching distribution found for some-lib==1.2.3
`

func TestPipFailuresAreOneSentence(t *testing.T) {
	offline := filepath.Join(t.TempDir(), "offline.log")
	require.NoError(t, os.WriteFile(offline, []byte(offlineLog), 0o644))
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"no network", "cat '" + offline + "' >&2; exit 1", []string{"pip could not download some-lib 1.2.3",
			"its package index cannot be reached", "Temporary failure in name resolution"}},
		{"no such version", "echo 'ERROR: Could not find a version' >&2\n" +
			"echo 'ERROR: No matching distribution found for some-lib==1.2.3' >&2; exit 1",
			[]string{"ERROR: No matching distribution found for some-lib==1.2.3"}},
		{"no pip", "echo '/usr/bin/python3: No module named pip' >&2; exit 1", []string{"No module named pip"}},
		{"silent", "exit 3", []string{"pip could not download some-lib 1.2.3: exit status 3"}},
		{"saves nothing", "exit 0", []string{"saved no some_lib-1.2.3-py3-none-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			m.pip(c.body)
			_, err := Wheel(t.Context(), testWheel([]byte("x")), &bytes.Buffer{})
			requireSentence(t, err, c.want...)
			require.Empty(t, m.files())
		})
	}
}

func TestMissingPythonIsNamed(t *testing.T) {
	m := newMachine(t)
	_, err := Wheel(t.Context(), testWheel([]byte("x")), &bytes.Buffer{})
	requireSentence(t, err, "python3", "some-lib", "not on the PATH")
	require.Empty(t, m.files())
}

// TestCancelledDownload cancels in the middle of a download and requires that
// pip and what pip started have ended, and that nothing is left.
func TestCancelledDownload(t *testing.T) {
	m := newMachine(t)
	w := testWheel([]byte("the wheel"))
	pids := filepath.Join(t.TempDir(), "pids")
	m.pip(`echo par >"$dest/` + w.File + `"
sleep 60 & echo $$ $! >'` + pids + `.tmp'; mv '` + pids + `.tmp' '` + pids + `'; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(pids); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	began := time.Now()
	_, err := Wheel(ctx, w, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
	requireSentence(t, err, "downloading some-lib")
	require.Less(t, time.Since(began), 4*time.Second)
	require.Empty(t, m.files())
	data, err := os.ReadFile(pids)
	require.NoError(t, err)
	for _, f := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(f)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return ended(pid) }, 5*time.Second, 10*time.Millisecond)
	}
}

// ended reports whether a process is gone, or is a zombie that nobody reaps.
func ended(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestDownloadHasATimeLimit(t *testing.T) {
	defer func(d time.Duration) { downloadTimeout = d }(downloadTimeout)
	downloadTimeout = 100 * time.Millisecond
	m := newMachine(t)
	m.pip("sleep 60")
	began := time.Now()
	_, err := Wheel(t.Context(), testWheel([]byte("x")), &bytes.Buffer{})
	requireSentence(t, err, "some-lib 1.2.3 took more than 100ms")
	require.Less(t, time.Since(began), 4*time.Second)
	require.Empty(t, m.files())
}

func TestWheelWantedTwiceAtOnceIsDownloadedOnce(t *testing.T) {
	m := newMachine(t)
	data := []byte("the wheel")
	w := testWheel(data)
	m.pip("sleep 0.3\n" + m.saves(w.File, data))
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = Wheel(t.Context(), w, &bytes.Buffer{}) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Len(t, m.pipCalls(), 1)
}

func TestWaitingForAnotherProcessEndsWithTheContext(t *testing.T) {
	m := newMachine(t)
	w := testWheel([]byte("x"))
	unlock, err := Lock(t.Context(), filepath.Join(m.cache, "downloads", w.File), &bytes.Buffer{})
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	_, err = Wheel(ctx, w, &out)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireSentence(t, err, w.File)
	require.Contains(t, out.String(), "waiting for another process")
}

func TestProgressTellsHowMuchHasCome(t *testing.T) {
	defer func(d time.Duration) { logEvery = d }(logEvery)
	logEvery = 20 * time.Millisecond
	m := newMachine(t)
	w := testWheel(make([]byte, 3_000_000))
	m.pip("echo '  Downloading " + w.File + " (3.0 MB)'\n" + m.saves(w.File, make([]byte, 3_000_000)) + "; sleep 0.5")
	var out bytes.Buffer
	_, err := Wheel(t.Context(), w, &out)
	require.NoError(t, err)
	require.Contains(t, out.String(), "downloading some-lib 1.2.3: 3.0 MB of 3.0 MB\n")
}
