package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// actVariable says what the peer of a test does.
const actVariable = "GO_MLX_BENCH_ACT"

// actAsPeer speaks peer.py's protocol, or breaks it.
func actAsPeer(act string) int {
	out := json.NewEncoder(os.Stdout)
	in := json.NewDecoder(os.Stdin)
	switch act {
	case "dies-loading":
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\n  ...\nModuleNotFoundError: No module named 'mlx_lm'")
		return 1
	case "babbles":
		fmt.Println("Fetching 5 files")
		return 0
	case "writes-then-waits":
		fmt.Print("a")
		time.Sleep(2 * time.Second)
		return 0
	case "hangs":
		time.Sleep(time.Hour)
	}
	_ = out.Encode(map[string]string{"python": "3.13.1", "mlx": "0.1", "mlx-lm": "0.2", "device": "Device(cpu, 0)"})
	for {
		var r request
		if in.Decode(&r) != nil {
			return 0
		}
		switch act {
		case "dies-running":
			fmt.Fprintln(os.Stderr, "RuntimeError: [matmul] no memory")
			return 1
		case "short":
			r.Tokens--
		}
		var beside [][]int32
		for _, p := range r.Beside {
			beside = append(beside, p[:r.Tokens])
		}
		switch act {
		case "one-less":
			beside = beside[1:]
		case "one-short":
			beside[1] = beside[1][1:]
		}
		a := map[string]any{"tokens": r.Prompt[:r.Tokens], "beside": beside, "prompt_s": 0.5, "decode_s": 0.25, "build_s": []float64{}}
		if r.Builds > 0 {
			a["build_s"] = []float64{0.003, 0.001}[:r.Builds]
		}
		_ = out.Encode(a)
	}
}

func startAs(t *testing.T, ctx context.Context, act string) (*peer, error) {
	t.Helper()
	return startSetting(t, ctx, act, setting{of: mlxLM, folder: "f32", label: "the peer"})
}

func startSetting(t *testing.T, ctx context.Context, act string, s setting) (*peer, error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), actVariable+"="+act)
	return start(ctx, cmd, s)
}

var small = workload{ids: []int32{5, 6, 7}, prompt: 4, tokens: 3, builds: 2}

func TestPeer(t *testing.T) {
	p, err := startAs(t, t.Context(), "well")
	require.NoError(t, err)
	require.Equal(t, hello{Python: "3.13.1", MLX: "0.1", MLXLM: "0.2", Device: "Device(cpu, 0)"}, p.hello)
	for range 2 { // one process, many runs
		s, err := p.run(t.Context(), small)
		require.NoError(t, err)
		require.Equal(t, []int32{5, 6, 7}, s.tokens)
		require.Equal(t, 8.0, s.prefill(), "4 tokens in half a second")
		require.Equal(t, 8.0, s.decode(), "2 tokens after the first in a quarter")
		require.Equal(t, 2000.0, s.build())
	}
	require.NoError(t, p.close())
}

func TestPeerFails(t *testing.T) {
	for act, want := range map[string]string{
		"dies-loading": "No module named 'mlx_lm'",
		"babbles":      "invalid character",
	} {
		t.Run(act, func(t *testing.T) {
			_, err := startAs(t, t.Context(), act)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "bench: the peer: ")
		})
	}
	for act, want := range map[string]string{
		"dies-running": "[matmul] no memory",
		"short":        "asked for 3 tokens and 2 builds, got 2 and 2",
	} {
		t.Run(act, func(t *testing.T) {
			p, err := startAs(t, t.Context(), act)
			require.NoError(t, err)
			_, err = p.run(t.Context(), small)
			require.ErrorContains(t, err, want)
			require.NoError(t, p.close())
		})
	}
}

func TestPeerInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := startAs(t, ctx, "hangs")
	require.ErrorIs(t, err, context.Canceled)
}

func TestPeerOfAnotherVersion(t *testing.T) {
	t.Setenv(actVariable, "well")
	_, err := startPeer(t.Context(), os.Args[0], t.TempDir(), settings[0], t.Output())
	require.ErrorContains(t, err, "the Python environment has mlx 0.1 and mlx-lm 0.2, want")
}

// TestLlama builds no graphs that could be timed.
func TestLlama(t *testing.T) {
	p, err := startSetting(t, t.Context(), "well", llamaSettings(2)[0])
	require.NoError(t, err)
	require.Equal(t, llamaCpp, p.side())
	s, err := p.run(t.Context(), small)
	require.NoError(t, err)
	require.Empty(t, s.builds)
	require.Equal(t, 8.0, s.decode())
	require.NoError(t, p.close())
}
