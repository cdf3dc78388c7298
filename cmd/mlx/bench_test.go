package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const tinyConfig = "../../models/testdata/llama/gqa/config.json"

// benchJSON is benchReport as a reader has it.
type benchJSON struct {
	Model, Machine string
	PromptTokens   int      `json:"prompt_tokens"`
	BatchSize      int      `json:"batch_size"`
	Prompt         measured `json:"prompt_tps"`
	Generation     measured `json:"generation_tps"`
	PeakMemory     uint64   `json:"peak_memory"`
}

type measured struct {
	Median, Stddev, Min, Max float64
	Runs                     []float64
}

func TestBench(t *testing.T) {
	for _, batch := range []string{"-b1", "-b3"} {
		o := call(t, "", "bench", "--config", tinyConfig, "-p", "20", "-n", "6", "-r", "3", "--prefill-step-size=8", batch, "--json")
		require.Equal(t, 0, o.code, o.err)
		require.Empty(t, o.err, "no progress where no terminal is")
		var got benchJSON
		require.NoError(t, json.Unmarshal([]byte(o.out), &got))
		require.Equal(t, tinyConfig+", random weights", got.Model)
		require.Equal(t, 20, got.PromptTokens)
		require.Equal(t, int(batch[2]-'0'), got.BatchSize)
		require.Positive(t, got.PeakMemory)
		for _, m := range []measured{got.Prompt, got.Generation} {
			require.Len(t, m.Runs, 3, "the run that warms up is not counted")
			require.LessOrEqual(t, m.Min, m.Median)
			require.LessOrEqual(t, m.Median, m.Max)
			require.Positive(t, m.Min)
		}
	}
}

func TestBenchForPeople(t *testing.T) {
	o := call(t, "", "bench", "--model=smollm2", "-p", "8", "-n", "4", "-r", "2")
	require.Equal(t, 0, o.code, o.err)
	lines := strings.Split(o.out, "\n")
	require.Regexp(t, `^smollm2 \((dense|as stored,) \w+\), batch of 1, peak memory \d+ MB, .+, MLX \S+$`, lines[0])
	require.Equal(t, []string{"| test | tokens/s | slowest | fastest |", "|:--|--:|--:|--:|"}, lines[2:4])
	require.Regexp(t, `^\| pp8 \| \d+\.\d\d ± \d+\.\d\d \| \d+\.\d\d \| \d+\.\d\d \|$`, lines[4])
	require.Regexp(t, `^\| tg4 \| `, lines[5])
}

// What is timed side by side is the work of generating: row for row the tokens of the
// single prompt.
func TestBenchBatchGenerates(t *testing.T) {
	_, config, err := readConfig(tinyConfig)
	require.NoError(t, err)
	m, err := models.New(t.Context(), config)
	require.NoError(t, err)
	defer m.Close()
	b := &benchCmd{Prompt: 11, Tokens: 2, Batch: 2, Prefill: 4, Seed: 3}
	prompts := b.prompts(m.VocabSize())
	require.NotEqual(t, prompts[0], prompts[1])
	var want []int32
	for _, p := range prompts {
		for tok, err := range m.GenerateTokens(t.Context(), p, generate.WithMaxTokens(2), generate.WithoutStops()) {
			require.NoError(t, err)
			want = append(want, tok.ID)
		}
	}
	require.NoError(t, m.Worker().Do(t.Context(), func(th *mlx.Thread) error {
		run := &benchBatch{model: m, cache: m.NewCache(th)}
		defer func() { require.NoError(t, run.close()) }()
		for lo := 0; lo < 11; lo += 4 {
			require.NoError(t, run.prefill(th, prompts, lo, min(lo+4, 11)))
		}
		first, err := mlx.Values[uint32](th, run.next)
		require.NoError(t, err)
		require.NoError(t, run.step(th))
		second, err := mlx.Values[uint32](th, run.next)
		require.NoError(t, err)
		require.Equal(t, want, []int32{int32(first[0]), int32(second[0]), int32(first[1]), int32(second[1])})
		return nil
	}))
}

func TestSeries(t *testing.T) {
	s := series{9, 1, 2, 4}
	require.InDelta(t, 3, s.median(), 1e-12)
	require.InEpsilon(t, 3.559026084010437, s.deviation(), 1e-12) // sqrt(38/3)
	require.Equal(t, "3.00 ± 3.56", s.String())
	require.Zero(t, series{5}.deviation())
}

func TestBenchRefuses(t *testing.T) {
	requireSentence(t, call(t, "", "bench"), exitUsage, "--model", "--config", "see mlx bench --help")
	requireSentence(t, call(t, "", "bench", "--model=a", "--config=b"), exitUsage, "can't be used together")
	requireSentence(t, call(t, "", "bench", "--model=a", "-p0"), exitUsage, "--prompt-tokens=0 is not 1 or more")
	requireSentence(t, call(t, "", "bench", "--model=a", "-n1"), exitUsage, "--generation-tokens=1 is not 2 or more")
	requireSentence(t, call(t, "", "bench", "--model=a", "-r0"), exitUsage, "--repetitions=0 is not 1 or more")
	requireSentence(t, call(t, "", "bench", "--model=nowhere"), exitFailed, "there is no model nowhere")
	bad := writeConfig(t, `{"model_type": "gpt2"}`)
	requireSentence(t, call(t, "", "bench", "--config", bad), exitFailed, bad, `unknown architecture "gpt2"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := callIn(t, ctx, strings.NewReader(""), "bench", "--config", tinyConfig, "-b2")
	require.Equal(t, exitInterrupted, o.code)
}
