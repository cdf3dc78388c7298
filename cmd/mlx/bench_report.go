package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/native"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// benchReport is what --json prints.
type benchReport struct {
	Model            string `json:"model"`
	Weights          string `json:"weights"`
	Machine          string `json:"machine"`
	PromptTokens     int    `json:"prompt_tokens"`
	GenerationTokens int    `json:"generation_tokens"`
	BatchSize        int    `json:"batch_size"`
	Prompt           series `json:"prompt_tps"`
	Generation       series `json:"generation_tps"`
	PeakMemory       uint64 `json:"peak_memory"` // bytes, of the run that took most
}

func (r *benchReport) add(s benchSample) {
	r.Prompt = append(r.Prompt, s.promptTPS)
	r.Generation = append(r.Generation, s.generationTPS)
	r.PeakMemory = max(r.PeakMemory, s.peak)
}

// series are figures of one thing, one for each run. There is at least one.
type series []float64

// MarshalJSON implements json.Marshaler.
func (s series) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"median": s.median(), "stddev": s.deviation(), "min": slices.Min(s), "max": slices.Max(s), "runs": []float64(s),
	})
}

// median is the middle one, or the mean of the two in the middle.
func (s series) median() float64 {
	n := len(s)
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// deviation is the standard deviation of the runs as a sample, 0 of one.
func (s series) deviation() float64 {
	var mean, sum float64
	for _, v := range s {
		mean += v / float64(len(s))
	}
	for _, v := range s {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(max(len(s)-1, 1)))
}

// String is the median with the standard deviation.
func (s series) String() string { return fmt.Sprintf("%.2f ± %.2f", s.median(), s.deviation()) }

// print writes a table in Markdown, or JSON.
func (r *benchReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), batch of %d, peak memory %s, %s\n\n", r.Model, r.Weights, r.BatchSize, humanize.Bytes(r.PeakMemory), r.Machine)
	b.WriteString("| test | tokens/s | slowest | fastest |\n|:--|--:|--:|--:|\n")
	for _, row := range []struct {
		name   string
		tokens int
		of     series
	}{{"pp", r.PromptTokens, r.Prompt}, {"tg", r.GenerationTokens, r.Generation}} {
		fmt.Fprintf(&b, "| %s%d | %v | %.2f | %.2f |\n", row.name, row.tokens, row.of, slices.Min(row.of), slices.Max(row.of))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// benchMachine names what figures depend on: the device, the system and MLX.
func benchMachine(ctx context.Context) (name string, err error) {
	return name, mlx.Do(ctx, func(t *mlx.Thread) error {
		device, err := t.Device()
		if err != nil {
			return err
		}
		what := device.String()
		if info, err := t.DeviceInfo(); err == nil && info["device_name"] != "" {
			what = info["device_name"]
		}
		name = fmt.Sprintf("%s, %d CPUs, %s/%s, MLX %s", what, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, native.MLXVersion)
		return nil
	})
}
