package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/train"
)

// toldLine is an event as a line of metrics.jsonl.
func toldLine(t testing.TB, e train.Event) string {
	t.Helper()
	text, err := json.Marshal(lineOf(e))
	require.NoError(t, err)
	return string(text) + "\n"
}

// What is read is told again in the same words.
func FuzzReadHistory(f *testing.F) {
	for _, e := range told() { // a line each: short texts are soon made shorter
		f.Add([]byte(toldLine(f, e)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := ReadHistory(bytes.NewReader(text))
		if err != nil {
			require.ErrorContains(t, err, "report: metrics: ")
			return
		}
		var again strings.Builder
		for _, e := range h.Steps {
			again.WriteString(toldLine(t, e))
		}
		for _, e := range h.Samples {
			again.WriteString(toldLine(t, e))
		}
		for _, e := range h.Saves {
			again.WriteString(toldLine(t, e))
		}
		back, err := ReadHistory(strings.NewReader(again.String()))
		require.NoError(t, err)
		require.Equal(t, h.Steps, back.Steps)
		require.Equal(t, h.Samples, back.Samples)
		require.Equal(t, h.Saves, back.Saves)
	})
}

// A page is drawn of any figures and texts, soon and without markup of theirs, or refused.
func FuzzWriteHTML(f *testing.F) {
	f.Add(10, 2.5, 1e-3, "2+2=", "<script>5</script>")
	f.Add(-1<<62, 1e100, -1e-300, "", "\x00")
	f.Fuzz(func(t *testing.T, iter int, loss, rate float64, prompt, answer string) {
		h := History{
			Steps:   []train.StepEvent{{Iter: 1, Loss: 1, Rate: 1e-3}, {Iter: iter, Loss: loss, Rate: rate}},
			Evals:   []train.EvalEvent{{Iter: iter, Loss: -loss}},
			Samples: []train.SampleEvent{{Iter: iter, Prompt: prompt, Answer: answer}},
		}
		began := time.Now()
		var out bytes.Buffer
		if err := h.WriteHTML(&out, prompt, nil); err != nil {
			require.ErrorContains(t, err, "report: ")
			return
		}
		require.NotContains(t, out.String(), "<script")
		require.Less(t, time.Since(began), 10*time.Second)
	})
}
