package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rates are prefill and decode in tokens per second, and the time to build a step
// in microseconds.
type rates [3]float64

// samples are runs at the given rates.
func samples(tokens []int32, runs ...rates) []sample {
	var all []sample
	for _, r := range runs {
		s := sample{promptTokens: 100, promptTime: seconds(100 / r[0]), tokens: tokens}
		s.decodeTime = seconds(float64(len(tokens)-1) / r[1])
		if r[2] > 0 {
			s.builds = []time.Duration{time.Duration(r[2]) * time.Microsecond}
		}
		all = append(all, s)
	}
	return all
}

// remembering gives samples memory, in MB.
func remembering(all []sample, arrays, cache, resident uint64) []sample {
	for i := range all {
		all[i].arrays, all[i].cache, all[i].resident = arrays*1e6, cache*1e6, resident*1e6
	}
	return all
}

// together makes samples those of eight rows at the rates of one.
func together(all []sample) []sample {
	for i := range all {
		all[i].rows = 8
	}
	return all
}

func exampleReport() report {
	o := options{Model: "smollm2", PromptTokens: 100, Tokens: 3, Runs: 3, Builds: 8}
	full := workload{prompt: 100, tokens: 3, builds: 8, runs: 3}
	return report{
		size: 100e6,
		machine: machine{
			cpu: "Example CPU (AVX2)", cores: 2, memory: 24 << 30, system: "Example OS 1 linux/amd64",
			goVer: "go1.26.0", mlx: "0.32.2", blas: "OpenBLAS",
			peer:    hello{Python: "3.13.1", MLX: "0.32.2", MLXLM: "0.32.2", Device: "Device(cpu, 0)"},
			threads: 2, llama: "0.3.36",
		},
		options: o,
		date:    time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC),
		results: []result{
			{name: "ours", side: goMLX, work: full,
				samples: remembering(samples([]int32{1, 2, 3}, rates{160, 20, 800}, rates{150, 15, 900}, rates{170, 16, 850}), 132, 20, 240)},
			{name: "ours, packed", side: goMLX, work: full,
				samples: samples([]int32{1, 2, 4}, rates{9, 9, 9}, rates{9, 9, 9}, rates{9, 9, 9})},
			{name: "ours, 8 prompts at once", side: goMLX, work: full, samples: together(samples([]int32{1, 2, 3}, rates{40, 10, 0}))},
			{name: "peer, f16", side: mlxLM, work: workload{prompt: 4, tokens: 3, runs: 1, shortened: true},
				samples: samples([]int32{7, 8, 9}, rates{0.25, 0.125, 0})},
			{name: "peer, packed", side: mlxLM, work: workload{prompt: 100, tokens: 3, builds: 8, runs: 2},
				samples: samples([]int32{1, 2, 3}, rates{10, 8, 2000}, rates{10, 8, 2000}, rates{10, 8, 2000})},
			{name: "peer, dense", side: mlxLM, work: full,
				samples: samples([]int32{1, 2, 3}, rates{16, 5, 1700}, rates{15, 5, 1600}, rates{20, 5, 1800})},
			{name: "llama", side: llamaCpp, work: full,
				samples: samples([]int32{1, 6, 3}, rates{80, 40, 0}, rates{80, 40, 0}, rates{80, 40, 0})},
			{name: "llama, 8 prompts at once", side: llamaCpp, work: full, samples: together(samples([]int32{1, 6, 2}, rates{11, 6, 0}))},
		},
	}
}

func TestMarkdown(t *testing.T) {
	const command = "`go run ./bench --model smollm2 --prompt-tokens 100 --tokens 3 --runs 3`"
	require.Equal(t, `Measured on 2026-11-24 with `+command+`.

- Example CPU (AVX2), 2 cores, 24 GiB of memory; Example OS 1 linux/amd64
- go-mlx: go1.26.0, MLX 0.32.2, mlx-c 0.7.0, OpenBLAS
- Python: 3.13.1, mlx 0.32.2, mlx-lm 0.32.2, as pip installs them, Device(cpu, 0)
- llama.cpp: llama-cpp-python 0.3.36, compiled on this machine, 2 threads

| SmolLM2-135M-Instruct                         | prefill, tokens/s | decode, tokens/s | building a step, µs | MLX's arrays, MB | process, MB |
|-----------------------------------------------|------------------:|-----------------:|--------------------:|-----------------:|------------:|
| ours                                          |     160 (150–170) | 16.0 (15.0–20.0) |       850 (800–900) |              132 |         240 |
| ours, packed                                  |  9.00 (9.00–9.00) | 9.00 (9.00–9.00) |    9.00 (9.00–9.00) |                – |           – |
| ours, 8 prompts at once                       |               320 |             80.0 |                   – |                – |           – |
| peer, f16 (1 run of 4 + 3 tokens)             |             0.250 |            0.125 |                   – |                – |           – |
| peer, packed (2 runs)                         |  10.0 (10.0–10.0) | 8.00 (8.00–8.00) |    2000 (2000–2000) |                – |           – |
| peer, dense                                   |  16.0 (15.0–20.0) | 5.00 (5.00–5.00) |    1700 (1600–1800) |                – |           – |
| llama                                         |  80.0 (80.0–80.0) | 40.0 (40.0–40.0) |                   – |                – |           – |
| llama, 8 prompts at once                      |              88.0 |             48.0 |                   – |                – |           – |
| **go-mlx's default against mlx-lm's best**    |       **10.00 ×** |       **2.00 ×** |          **0.50 ×** |                – |           – |
| **go-mlx's default against llama.cpp's best** |        **2.00 ×** |       **0.40 ×** |                   – |                – |           – |

Median (least–most) of 3 runs in turns: a prompt of 100 tokens, 3 greedy tokens, 8 graphs of one step. `+
		`The 5 settings on MLX that ran all of it began with the same 2 of 3 tokens. The 2 of llama.cpp began with the same 2 of their own. `+
		`A setting that would take far too long for that was run as its line says. `+
		`Of 8 prompts at once the figures are those of all rows together: decode 5.00 times one stream, prefill 2.00 times; `+
		`llama.cpp's decode 1.20 times its own one stream, prefill 1.10 times. `+
		`At 8 prompts go-mlx's decode is 1.67 times llama.cpp's, its prefill 3.64 times. `+
		`The file has 100 MB, keys and values take 20.0: the default's arrays take 1.10 times both at most. `+
		`A process has libraries besides, and pages of the file, which the system may take back.

![Tokens a second of prefill and decode](benchmarks-cpu.svg)
`, exampleReport().markdown())
}

func TestTextSaysWhatTheDocumentSays(t *testing.T) {
	r := exampleReport()
	require.Contains(t, r.text(), r.table())
	require.Contains(t, r.text(), r.notes())
	for _, l := range r.machine.lines() {
		require.Contains(t, r.text(), l)
	}
}

func TestBestIsPerColumn(t *testing.T) {
	r := exampleReport()
	require.Equal(t, 16.0, r.best(mlxLM, sample.prefill, true), "dense")
	require.Equal(t, 8.0, r.best(mlxLM, sample.decode, true), "packed")
	require.Equal(t, 80.0, r.best(llamaCpp, sample.prefill, true), "of one prompt")
	require.Equal(t, 1700.0, r.best(mlxLM, sample.build, false), "dense; f16 has no figure, which is not the best one")
	r.results = r.results[:4]
	require.Zero(t, r.best(mlxLM, sample.prefill, true), "what did less work is nothing to compare with")
	require.Equal(t, []string{"–", "–", "–", "–", "–"}, r.against(mlxLM)[1:])
}

// TestSideBySide compares what did all of the work only.
func TestSideBySide(t *testing.T) {
	const ours = " Of 8 prompts at once the figures are those of all rows together: decode 5.00 times one stream, prefill 2.00 times"
	r := exampleReport()
	last := len(r.results) - 1
	require.Contains(t, r.sideBySide(), ours+"; llama.cpp's decode 1.20 times")
	r.results[last].work.shortened = true
	require.Equal(t, ours+".", r.sideBySide())
	r.results = r.results[:last]
	require.Equal(t, ours+".", r.sideBySide())
	r.results = slices.Delete(r.results, 2, 3)
	require.Empty(t, r.sideBySide())
}

func TestCommandHasNoPaths(t *testing.T) {
	r := report{options: options{Quick: true, Peer: "/home/someone/venv", Out: "/home/someone/out.md"}}
	require.Equal(t, "go run ./bench --quick", r.command())
	r.options.Quick = false
	require.NotContains(t, r.command(), "someone")
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.0612: "0.0612", 0.25: "0.250", 1.2345: "1.23", 15.96: "16.0", 99.5: "99.5", 157.3: "157", 12345: "12345",
	} {
		require.Equal(t, want, figure(v))
	}
}

// TestPicture: every setting that did all of the work has a bar with its figure.
func TestPicture(t *testing.T) {
	var b strings.Builder
	r := exampleReport()
	require.NoError(t, r.draw(&b))
	for _, text := range []string{"prefill, tokens/s", "decode, tokens/s", "ours, packed", "peer, dense", "llama", " 160<", " 40.0<"} {
		require.Contains(t, b.String(), text)
	}
	require.NotContains(t, b.String(), "peer, f16")
	dir := t.TempDir()
	require.NoError(t, r.drawBeside(filepath.Join(dir, "benchmarks.md")))
	require.FileExists(t, filepath.Join(dir, "benchmarks-cpu.svg"))
}

// TestFileOfAnotherModel has a part of the document of its own.
func TestFileOfAnotherModel(t *testing.T) {
	r := exampleReport()
	r.options.Model, r.options.file = "gemma3-270m", "/models/gemma-3-270m-q4_k_m.gguf"
	require.Equal(t, "cpu gemma-3-270m-q4_k_m", r.section())
	require.Equal(t, "benchmarks-cpu-gemma-3-270m-q4_k_m.svg", r.picture())
	require.Contains(t, r.table(), "| gemma-3-270m-q4_k_m ")
	require.NotContains(t, r.markdown(), "/models")
}
