package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSequenceRepeats(t *testing.T) {
	w := workload{ids: []int32{1, 2, 3}}
	require.Equal(t, []int32{1, 2}, w.sequence(2))
	require.Equal(t, []int32{1, 2, 3, 1, 2, 3, 1}, w.sequence(7))
}

func TestFit(t *testing.T) {
	w := workload{ids: []int32{1}, prompt: 512, tokens: 64, builds: 16, runs: 5}
	rate := func(perSecond float64) sample { // of prompt and decode alike
		took := time.Duration(float64(time.Second) / perSecond)
		return sample{promptTokens: 1, promptTime: took, tokens: make([]int32, 2), decodeTime: took}
	}
	for name, c := range map[string]struct {
		perSecond float64
		want      workload
	}{
		"fast":     {100, w},
		"fairly":   {12, w},                                                                  // 592 tokens in 49.3 of 50 seconds
		"fewer":    {11, workload{ids: w.ids, prompt: 512, tokens: 64, builds: 16, runs: 2}}, // in 54 seconds
		"just":     {2, workload{ids: w.ids, prompt: 512, tokens: 64, builds: 16, runs: 2}},  // in 296 of 300 seconds
		"slow":     {1, workload{ids: w.ids, prompt: 25, tokens: 3, runs: 2, shortened: true}},
		"slowest":  {0.01, workload{ids: w.ids, prompt: minPrompt, tokens: minTokens, runs: 2, shortened: true}},
		"faultily": {0.0001, workload{ids: w.ids, prompt: minPrompt, tokens: minTokens, runs: 2, shortened: true}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, w.fit(rate(c.perSecond), 5*time.Minute)) })
	}
}

// TestFitOfSeveralPrompts: rates are those of all of them, and so is the work.
func TestFitOfSeveralPrompts(t *testing.T) {
	w := workload{ids: []int32{1}, prompt: 512, tokens: 64, runs: 3}
	for stepsPerSecond, runs := range map[float64]int{11: 1, 12: 3} { // 576 steps in 52 and 48 of 50 seconds
		took := seconds(1 / stepsPerSecond)
		s := sample{promptTokens: 1, promptTime: took, tokens: make([]int32, 2), decodeTime: took, rows: 8}
		require.Equal(t, runs, w.fit(s, 5*time.Minute).runs, stepsPerSecond)
	}
}

// TestOthers: prompts that run at once are of one length and of different tokens.
func TestOthers(t *testing.T) {
	w := workload{ids: []int32{1, 2, 3}, prompt: 4}
	require.Equal(t, [][]int32{{2, 3, 1, 2}, {3, 1, 2, 3}}, w.others(3))
	require.Empty(t, w.others(0))
}

func TestProbeIsAsShortAsCanBe(t *testing.T) {
	w := workload{ids: []int32{1}, prompt: 512, tokens: 64, builds: 16, runs: 5}
	require.Equal(t, workload{ids: w.ids, prompt: minPrompt, tokens: minTokens}, w.probe())
}

func TestReadPrompt(t *testing.T) {
	ids, err := readPrompt(filepath.Join("..", "models", "testdata", "smollm2.json"))
	require.NoError(t, err)
	require.Equal(t, []int32{1, 9690, 198}, ids[:3], "<|im_start|> system newline")

	for name, c := range map[string]struct{ text, want string }{
		"not JSON":  {"prompts", "invalid character"},
		"no prompt": {`{"prompts": []}`, "holds no prompt"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.json")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := readPrompt(path)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err = readPrompt(filepath.Join(t.TempDir(), "none.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
