package models

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var soakReal = flag.Bool("soak", false, "run the soak test with SmolLM2 too, some minutes")

// sample is what a process holds between two steps.
type sample struct {
	handles, kvBytes, active, cached, rss int
}

// Thousands of tokens: the open handles stay the same in number, MLX's memory
// grows by the cache only, and the process keeps its size.
func TestSoak(t *testing.T) {
	t.Run("tiny", func(t *testing.T) { soak(t, tiny(t, "gqa"), 6000, 2*2*2*8*4) })
	if *soakReal {
		t.Run("SmolLM2", func(t *testing.T) { soak(t, testmodels.RequireSmolLM2(t), 2000, 30*2*3*64*4) })
	}
}

// soak generates; perToken is what a token adds to the cache, in bytes: layers,
// keys and values, heads, dimensions, float32.
func soak(t *testing.T, path string, tokens, perToken int) {
	mlx.TraceHandles(false) // the leak check's stacks are megabytes of Go's heap
	defer mlx.TraceHandles(true)
	m := loadTest(t, path)
	idle := measure(t, m)
	var samples []sample
	n, kept := 0, 0 // kept is the most that MLX kept of free buffers: malloc holds on to it
	stream := m.GenerateTokens(t.Context(), []int32{1, 2, 3}, generate.WithMaxTokens(tokens), generate.WithoutStops(),
		generate.WithSampling(generate.Sampling{Temperature: 1}))
	for _, err := range stream {
		require.NoError(t, err)
		n++
		if n%(tokens/40) != 0 || n == tokens {
			continue
		}
		s := measure(t, m)
		kept = max(kept, s.cached)
		if n%(tokens/10) == 0 {
			// Buffers grow 256 tokens at a time; in them are the prompt and a token for
			// each step, the one that is on its way included.
			s.kvBytes = (3 + n + 255) / 256 * 256 * perToken
			s.cached = kept
			samples = append(samples, s)
			t.Logf("%d tokens: %d handles, %d bytes active, %d bytes of keys and values, %d bytes free at most, RSS %.1f MB",
				n, s.handles, s.active-idle.active, s.kvBytes, kept, float64(s.rss)/1e6)
		}
	}
	require.Equal(t, tokens, n)
	first := samples[0]
	for _, s := range samples {
		require.Equal(t, first.handles, s.handles)
		require.InDelta(t, idle.active+s.kvBytes, s.active, 64<<10, "memory beyond weights and cache")
		growth := s.active + s.cached - first.active - first.cached // what MLX holds, and keeps for later
		// 5%, or Go's own heap where the model is tiny.
		slack := max(first.rss/20, 8<<20)
		require.Less(t, s.rss, first.rss+growth+slack, "RSS")
	}
	after := measure(t, m)
	require.Equal(t, idle.handles, after.handles)
	require.InDelta(t, idle.active, after.active, 4<<10)
}

// measure waits for what is being computed and looks.
func measure(t *testing.T, m *Model) (s sample) {
	t.Helper()
	require.NoError(t, m.Worker().Do(t.Context(), func(th *mlx.Thread) error {
		if err := th.Synchronize(); err != nil {
			return err
		}
		active, err := th.ActiveMemory()
		if err != nil {
			return err
		}
		cached, err := th.CacheMemory()
		s.active, s.cached = int(active), int(cached)
		return err
	}))
	for _, n := range mlx.Live() {
		s.handles += n
	}
	s.rss = residentMemory(t)
	return s
}

// residentMemory is the process's, 1 where the system does not tell.
func residentMemory(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if os.IsNotExist(err) {
		return 1
	}
	require.NoError(t, err)
	var size, resident int
	_, err = fmt.Sscan(string(data), &size, &resident)
	require.NoError(t, err)
	return resident * os.Getpagesize()
}
