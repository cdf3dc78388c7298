package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// endless are the arguments of a generation that ends only when it is ended.
func endless(t *testing.T) []string {
	t.Helper()
	return []string{"generate", "--model", testmodels.RequireSmolLM2(t), "-p", "Tell me a long story.",
		"--max-tokens=-1", "--ignore-eos"}
}

// stopper cancels at the n-th write and keeps what is written.
type stopper struct {
	bytes.Buffer
	cancel context.CancelFunc
	n      int
	atStop string
}

func (s *stopper) Write(p []byte) (int, error) {
	s.Buffer.Write(p)
	if s.n--; s.n == 0 {
		s.atStop = s.String()
		s.cancel()
	}
	return len(p), nil
}

// TestCancelledGeneration: after the token at which it was cancelled comes not
// one more, and everything is given back.
func TestCancelledGeneration(t *testing.T) {
	leaktest.Check(t)
	args := endless(t)
	before := activeMemory(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errs := &stopper{cancel: cancel, n: 5}, &bytes.Buffer{}
	code := run(&console{ctx: ctx, in: strings.NewReader(""), out: out, err: errs}, args)
	require.Equal(t, exitInterrupted, code)
	require.Equal(t, "mlx: interrupted\n", errs.String())
	require.NotEmpty(t, out.atStop)
	require.Equal(t, out.atStop+"\n", out.String())
	requireMemory(t, before)
}

// requireMemory waits until MLX holds so much and no more: the step that was
// under way holds what it reads until it ends.
func requireMemory(t *testing.T, want uint64) {
	t.Helper()
	require.Eventually(t, func() bool { return activeMemory(t) == want }, 10*time.Second, 5*time.Millisecond)
}

// activeMemory is what MLX holds, in bytes.
func activeMemory(t *testing.T) (n uint64) {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
		n, err = th.ActiveMemory()
		return err
	}))
	return n
}

func TestCancelledBeforeTheModelIsLoaded(t *testing.T) {
	leaktest.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := callIn(t, ctx, strings.NewReader(""), endless(t)...)
	require.Equal(t, outcome{exitInterrupted, "", "mlx: interrupted\n"}, o)
}

func TestCancelledWhileTheModelIsLoading(t *testing.T) {
	leaktest.Check(t)
	args := endless(t)
	before := activeMemory(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() { // a part of the weights is there
		defer close(done)
		for ctx.Err() == nil && mlx.Live()["Array"] < 20 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	o := callIn(t, ctx, strings.NewReader(""), args...)
	<-done
	require.Equal(t, exitInterrupted, o.code, o.err)
	require.Empty(t, strings.TrimSpace(o.out))
	require.Equal(t, "mlx: interrupted\n", o.err)
	requireMemory(t, before)
}

// TestSignals sends a process what a terminal sends for Ctrl-C, and what
// service managers send.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := program(t, endless(t)...)
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			longest := read(t, stdout, 6) // the prompt is done, steps are under way
			require.NoError(t, cmd.Process.Signal(sig))
			began := time.Now()
			rest, err := io.ReadAll(stdout)
			require.NoError(t, err)
			requireExit(t, cmd.Wait(), exitInterrupted)
			// A step's time, and what a busy machine takes to end a process.
			require.Less(t, time.Since(began), longest+2*time.Second)
			require.Equal(t, "mlx: interrupted\n", stderr.String())
			require.True(t, bytes.HasSuffix(rest, []byte("\n")), "the shell's prompt begins a line")
		})
	}
}

// read reads n pieces of a stream and returns the longest time between two.
func read(t *testing.T, r io.Reader, n int) (longest time.Duration) {
	t.Helper()
	buf := make([]byte, 4096)
	var last time.Time
	for i := range n {
		_, err := r.Read(buf)
		require.NoError(t, err)
		if i > 0 {
			longest = max(longest, time.Since(last))
		}
		last = time.Now()
	}
	return longest
}

// requireExit requires that a process ended by itself, with that code.
func requireExit(t *testing.T, err error, code int) {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.True(t, exit.Exited(), "%v", exit)
	require.Equal(t, code, exit.ExitCode())
}

func TestInterruptedWhileWaitingForThePrompt(t *testing.T) {
	var stderr bytes.Buffer
	cmd := program(t, "generate", "--model=smollm2", "-p", "-")
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	require.NoError(t, cmd.Start())
	_, err = stdin.Write(moreThanAPipeHolds) // and nobody types on
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	requireExit(t, cmd.Wait(), exitInterrupted)
	require.Equal(t, "mlx: interrupted\n", stderr.String())
}

// moreThanAPipeHolds can be written to a process only when that is reading: then
// its main function has begun, and signals are waited for.
var moreThanAPipeHolds = bytes.Repeat([]byte("so "), 100_000)

// TestSecondInterruptEndsAtOnce holds the command where no context is looked
// at: reading a config.json that does not end.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "config.json")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	cmd := program(t, "generate", "--model", dir, "-p", "x")
	require.NoError(t, cmd.Start())
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer w.Close()
	_, err = w.Write(moreThanAPipeHolds)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(time.Minute); ; {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended already
		select {
		case err := <-ended:
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			status, ok := exit.Sys().(syscall.WaitStatus)
			require.True(t, ok)
			require.True(t, status.Signaled() && status.Signal() == syscall.SIGINT, "%v", exit)
			return
		case <-time.After(100 * time.Millisecond):
			require.True(t, time.Now().Before(deadline), "the second interrupt did nothing")
		}
	}
}

func TestInterruptedSetup(t *testing.T) {
	home := t.TempDir()
	bin := filepath.Join(home, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	script := func(name, body string) {
		text := "#!/bin/sh\nPATH=/usr/bin:/bin\n" + body + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755))
	}
	started := filepath.Join(home, "started")
	script("python3", `[ "$3" = --version ] && exit 0; touch '`+started+`'; sleep 60`)
	for _, name := range []string{"cmake", "c++", "git"} {
		script(name, "")
	}
	var stderr bytes.Buffer
	cmd := program(t, "setup", "--prefix", filepath.Join(home, "prefix"))
	cmd.Env = append(cmd.Env, "PATH="+bin, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"MLX_C_SOURCE_DIR=")
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(started)
		return err == nil
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	began := time.Now()
	requireExit(t, cmd.Wait(), exitInterrupted)
	require.Less(t, time.Since(began), 5*time.Second)
	require.True(t, strings.HasSuffix(stderr.String(), "mlx: interrupted\n"), stderr.String())
	left, err := filepath.Glob(filepath.Join(home, "prefix*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(home, "prefix.lock")}, left)
	wheels, err := filepath.Glob(filepath.Join(home, "cache", "go-mlx", "downloads", "*[^k]"))
	require.NoError(t, err)
	require.Empty(t, wheels)
}
