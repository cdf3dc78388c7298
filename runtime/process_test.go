//go:build unix

package runtime_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// busy computes on the thread and two streams without an end, and calls f once
// work is under way.
func busy(th *mlx.Thread, f func()) error {
	side, err := th.NewStream()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		y, err := th.Build(func(s *mlx.Scope) mlx.Array {
			x := s.Ones([]int{256, 256}, mlx.Float32)
			z := s.On(side, func(s *mlx.Scope) mlx.Array { return s.Exp(s.Matmul(x, x)) })
			return s.Add(s.Matmul(z, x), x)
		})
		if err != nil {
			return err
		}
		if err := th.AsyncEval(y); err != nil {
			return err
		}
		if i == 3 {
			f()
		}
		if err := y.Close(); err != nil {
			return err
		}
		if err := th.Synchronize(); err != nil {
			return err
		}
	}
}

// Processes that end in the middle of a Do end with their own code and words, at
// once, and not with a crash of what is running.
func TestProcessesThatEndDuringDo(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	kill := func(sig syscall.Signal) func() {
		return func() { _ = syscall.Kill(os.Getpid(), sig); time.Sleep(time.Minute) }
	}
	for name, tt := range map[string]struct {
		end    func()         // on the thread, while streams compute
		code   int            // what the process exits with, or -1 for a signal
		signal syscall.Signal // what it dies of
		says   string
	}{
		"exit":          {end: func() { os.Exit(7) }, code: 7},
		"panic":         {end: func() { panic("in the middle") }, code: 2, says: "panic: in the middle"},
		"killed":        {end: kill(syscall.SIGKILL), code: -1, signal: syscall.SIGKILL},
		"terminated":    {end: kill(syscall.SIGTERM), code: -1, signal: syscall.SIGTERM},
		"main returned": {end: nil, code: 0},
	} {
		t.Run(name, func(t *testing.T) {
			if instrumented && tt.code == 0 {
				t.Skip("at an exit with 0 the race detector runs C++ destructors, below threads that compute; a plain process does not")
			}
			for range rounds {
				began := time.Now()
				out, err := child(t, nil, func() { endDuringDo(tt.end) })
				status := syscall.WaitStatus(0)
				if err != nil {
					var ended *exec.ExitError
					require.ErrorAs(t, err, &ended)
					status = ended.Sys().(syscall.WaitStatus)
				}
				require.Equal(t, tt.code, status.ExitStatus(), out)
				require.Equal(t, tt.signal, map[bool]syscall.Signal{true: status.Signal()}[status.Signaled()], out)
				require.Contains(t, out, tt.says)
				for _, bad := range []string{"SIGSEGV", "SIGABRT", "terminate called", "pure virtual", "fatal error"} {
					require.NotContains(t, out, bad)
				}
				require.Less(t, time.Since(began), 30*time.Second)
			}
		})
	}
}

// endDuringDo ends the process by end, called on the thread; without one as main
// does when it returns, while the thread computes.
func endDuringDo(end func()) {
	if end == nil {
		started := make(chan struct{})
		go func() {
			_ = mlx.Do(context.Background(), func(th *mlx.Thread) error { return busy(th, func() { close(started) }) })
		}()
		<-started
		os.Exit(0)
	}
	err := mlx.Do(context.Background(), func(th *mlx.Thread) error { return busy(th, end) })
	fmt.Println("it did not end:", err)
	os.Exit(99)
}
