package report_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/report"
)

// A run's events as lines of JSON, and read again.
func ExampleOpenMetrics() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "metrics.jsonl")
	m, err := report.OpenMetrics(path, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range []train.Event{ // train.WithObserver(m.Observe)
		train.StepEvent{Iter: 10, Loss: 2.5, Rate: 1e-5, Tokens: 4096, TokensPerSecond: 512, PeakMemory: 1 << 30},
		train.EvalEvent{Iter: 10, Loss: 2.25, Best: true},
	} {
		if err := m.Observe(e); err != nil {
			log.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(text))
	fmt.Println(m.History().Evals[0].Loss)
	// Output:
	// {"event":"train","iteration":10,"train_loss":2.5,"learning_rate":0.00001,"trained_tokens":4096,"tokens_per_second":512,"padding":0,"peak_memory_bytes":1073741824}
	// {"event":"validation","iteration":10,"val_loss":2.25,"val_time":0,"best":true}
	// 2.25
}
