// Package ringtest runs processes that form a ring, for tests.
package ringtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Ended is how one process of a ring ended.
type Ended struct {
	Code     int // -1 where a signal ended it, or it never began
	Out, Err string
}

// Run runs a process for each of n ranks on this machine, as mlx.launch would start
// them: with MLX_RANK and MLX_HOSTFILE in their environments. After a minute it kills
// them, for MLX waits for ever.
func Run(t testing.TB, n int, command func(ctx context.Context, rank int) *exec.Cmd) []Ended {
	t.Helper()
	hosts := filepath.Join(t.TempDir(), "hosts.json")
	text, err := json.Marshal(addresses(t, n))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(hosts, text, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := make([]Ended, n)
	var group sync.WaitGroup
	for rank := range n {
		cmd := command(ctx, rank)
		if cmd.Env == nil {
			cmd.Env = os.Environ()
		}
		cmd.Env = append(cmd.Env, "MLX_HOSTFILE="+hosts, "MLX_RANK="+strconv.Itoa(rank))
		group.Go(func() {
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); cmd.ProcessState == nil {
				all[rank] = Ended{-1, out.String(), err.Error()}
				return
			}
			all[rank] = Ended{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
		})
	}
	group.Wait()
	return all
}

// addresses are n free ones, in the form of a hostfile.
func addresses(t testing.TB, n int) (hosts [][]string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		hosts = append(hosts, []string{l.Addr().String()})
	}
	return hosts
}
