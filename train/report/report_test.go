package report

import (
	"bytes"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/train"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// told are events of a run of 30 iterations.
func told() []train.Event {
	return []train.Event{
		train.EvalEvent{Iter: 0, Loss: 3, Took: 1500 * time.Millisecond, Best: true},
		train.SampleEvent{Iter: 0, Prompt: "2+2=", Answer: "<b>5</b>"},
		train.StepEvent{Iter: 10, Iters: 30, Loss: 2.75, Rate: 1e-3, GradNorm: 0.5, Tokens: 1000, TokensPerSecond: 512.5, Padding: 0.25, PeakMemory: 1 << 30},
		train.SaveEvent{Iter: 10, Path: "adapters/0000010"},
		train.StepEvent{Iter: 20, Iters: 30, Loss: 2.5, Rate: 5e-4, Tokens: 2000, TokensPerSecond: 500, PeakMemory: 1 << 30},
		train.EvalEvent{Iter: 20, Loss: 2.25, Took: time.Second, Best: true},
		train.StepEvent{Iter: 30, Iters: 30, Loss: 2.25, Rate: 1e-4, Tokens: 3000, TokensPerSecond: 510, PeakMemory: 1 << 30},
		train.SampleEvent{Iter: 30, Prompt: "2+2=", Answer: "4"},
	}
}

func observe(t *testing.T, f func(train.Event) error, events ...train.Event) {
	t.Helper()
	for _, e := range events {
		require.NoError(t, f(e))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// Lines are on disk as they are told, under mlx-lm's names; a run that goes on from a
// checkpoint drops what the killed one told after it, half a line included.
func TestMetricsGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	m, err := OpenMetrics(path, 0)
	require.NoError(t, err)
	observe(t, m.Observe, train.BeginEvent{Iters: 30, Trained: 162816, Parameters: 134515008})
	observe(t, m.Observe, told()[:6]...)
	text := read(t, path)
	require.Contains(t, text, `{"event":"begin","iteration":0,"iterations":30,"trainable_parameters":162816,"total_parameters":134515008}`)
	require.Equal(t, 7, strings.Count(text, "\n"))
	require.Contains(t, text, `{"event":"train","iteration":10,"train_loss":2.75,"learning_rate":0.001,"grad_norm":0.5,"trained_tokens":1000,`+
		`"tokens_per_second":512.5,"padding":0.25,"peak_memory_bytes":1073741824}`)
	require.Contains(t, text, `{"event":"validation","iteration":20,"val_loss":2.25,"val_time":1,"best":true}`)
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	require.NoError(t, os.WriteFile(path, []byte(text+`{"event":"train","itera`), 0o600))

	m, err = OpenMetrics(path, 10)
	require.NoError(t, err)
	require.Len(t, m.History().Steps, 1)
	observe(t, m.Observe, told()[4:]...)
	require.NoError(t, m.Close())
	whole, err := ReadHistory(strings.NewReader(read(t, path)))
	require.NoError(t, err)
	require.Equal(t, whole, m.History().withoutIters())
	require.Equal(t, []int{10, 20, 30}, []int{whole.Steps[0].Iter, whole.Steps[1].Iter, whole.Steps[2].Iter})
	require.Equal(t, []comparison{{"2+2=", "<b>5</b>", "4"}}, whole.comparisons())

	m, err = OpenMetrics(path, 0) // a new run
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.Empty(t, read(t, path))
}

// withoutIters is h as its file has it.
func (h *History) withoutIters() *History {
	for i := range h.Steps {
		h.Steps[i].Iters = 0
	}
	return h
}

func TestBadMetrics(t *testing.T) {
	good := `{"event":"sample","iteration":1,"prompt":"a","answer":"b"}`
	for text, want := range map[string]string{
		"{}\n" + good:                `line 1: event "" is none of begin, train, validation, sample and checkpoint`,
		good + "\nnonsense\n" + good: "line 2: invalid character",
		`{"event":"train","iteration":-1}` + "\n" + good:                 "line 1: iteration is -1",
		`{"event":"train","iteration":1,"train_loss":"x"}` + "\n" + good: "line 1: json: cannot unmarshal",
	} {
		_, err := ReadHistory(strings.NewReader(text))
		require.ErrorContains(t, err, "report: metrics: "+want)
		path := filepath.Join(t.TempDir(), "metrics.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err = OpenMetrics(path, 5)
		require.ErrorContains(t, err, path+": "+want)
		require.Equal(t, text, read(t, path), "what is broken stays as it is")
	}
	_, err := OpenMetrics(filepath.Join(t.TempDir(), "no", "folder", "metrics.jsonl"), 0)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The page shows curves with a point for each event, the table and the answers, as
// text, and asks the network for nothing.
func TestPageStandsAlone(t *testing.T) {
	h := &History{}
	for _, e := range told() {
		h.add(e)
	}
	var out bytes.Buffer
	require.NoError(t, h.WriteHTML(&out, "SmolLM2 & friends", []Setting{{"batch size", "4"}, {"data", "<none>"}}))
	page := out.String()
	for _, want := range []string{"<title>SmolLM2 &amp; friends</title>", "3,000 tokens trained in 30 iterations; training loss 2.2500", "1.0 GiB",
		"&lt;b&gt;5&lt;/b&gt;", "<td>&lt;none&gt;</td>", "best so far", "training", "validation", "Learning rate", `<td class="number">2.2500</td>`} {
		require.Contains(t, page, want)
	}
	require.Equal(t, 1, strings.Count(page, "<svg"))
	require.NotContains(t, page, "<b>5")
	for _, address := range regexp.MustCompile(`https?://[^"'\s<)]*`).FindAllString(page, -1) {
		require.Contains(t, []string{"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}, address, "a name, and no address")
	}
	for _, loads := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "src="} {
		require.NotContains(t, page, loads)
	}
}

// paths are the open lines of a drawing of more than two points, each a list of x and
// y, and of two points those that are slanted: curves, but not axes and grids.
func paths(t *testing.T, svg string) (out [][][2]float64) {
	t.Helper()
	for _, p := range regexp.MustCompile(`<path d="M([^"Z]*)"`).FindAllStringSubmatch(svg, -1) {
		var points [][2]float64
		for _, point := range strings.Split(p[1], "L") {
			x, y, ok := strings.Cut(strings.TrimSpace(point), ",")
			if !ok {
				break
			}
			px, err := strconv.ParseFloat(x, 64)
			require.NoError(t, err)
			py, err := strconv.ParseFloat(y, 64)
			require.NoError(t, err)
			points = append(points, [2]float64{px, py})
		}
		if n := len(points); n > 2 || n == 2 && points[0][0] != points[1][0] && points[0][1] != points[1][1] {
			out = append(out, points)
		}
	}
	return out
}

// Each curve is a path with a point for each event, at distances that are those of the
// figures.
func TestCurves(t *testing.T) {
	h := &History{}
	for _, e := range told() {
		h.add(e)
	}
	var out bytes.Buffer
	require.NoError(t, h.WriteSVG(&out))
	require.Contains(t, out.String(), "scale(1, -1)", "y goes up")
	curves := paths(t, out.String())
	require.Len(t, curves, 3)
	training, validation, rate := curves[0], curves[1], curves[2]
	require.Len(t, training, 3)
	require.Len(t, validation, 2)
	require.Len(t, rate, 3)
	step := training[1][0] - training[0][0] // 10 iterations
	fall := training[0][1] - training[1][1] // a loss of 0.25
	require.Positive(t, step)
	require.Positive(t, fall)
	near := func(want, have float64) { t.Helper(); require.InDelta(t, want, have, 0.1) }
	near(training[0][0]+2*step, training[2][0])
	near(training[0][1]-2*fall, training[2][1])
	near(training[0][0]-step, validation[0][0])
	near(training[0][1]+fall, validation[0][1])
	near(training[1][0], validation[1][0])
	near(training[2][1], validation[1][1])
	near((rate[0][1]-rate[1][1])*4/5, rate[1][1]-rate[2][1]) // 1e-3, 5e-4, 1e-4
	require.Less(t, rate[0][1], validation[1][1], "below the losses")
}

// A learning rate that never changes lies above a 0, at its own number.
func TestCurveOfConstantRate(t *testing.T) {
	h := &History{}
	for i := range 3 {
		h.add(train.StepEvent{Iter: 10 * (i + 1), Loss: 3 - float64(i), Rate: 2e-5})
	}
	plots, err := h.drawings()
	require.NoError(t, err)
	require.Zero(t, plots[1].Y.Min)
	require.InDelta(t, 3e-5, plots[1].Y.Max, 1e-9)
	var out bytes.Buffer
	require.NoError(t, h.WriteSVG(&out))
	require.Contains(t, out.String(), "2e-05")
}

// Figures of a file that nobody can have measured are an error, or are drawn.
func TestAbsurdFigures(t *testing.T) {
	for text, want := range map[string]string{
		`{"event":"train","iteration":1,"train_loss":1e308,"learning_rate":1}` + "\n" + `{"event":"train","iteration":2,"train_loss":-1e308}`: "report: Loss: 1e+308 of iteration 1 cannot be drawn",
		`{"event":"train","iteration":3,"train_loss":1,"learning_rate":-1e200}`:                                                               "report: Learning rate: -1e+200 of iteration 3 cannot be drawn",
		`{"event":"validation","iteration":9223372036854775807,"val_loss":1e16,"val_time":1e300}`:                                             "",
		`{"event":"train","iteration":1,"train_loss":1e-320,"learning_rate":5e-324}`:                                                          "",
		`{"event":"train","iteration":1,"train_loss":1e100,"learning_rate":1e100}`:                                                            "",
	} {
		h, err := ReadHistory(strings.NewReader(text))
		require.NoError(t, err)
		err = h.WriteHTML(io.Discard, "absurd", nil)
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

// The picture has as much that is not white as curves need, and nothing to draw is no
// error.
func TestPictureOfDots(t *testing.T) {
	h := &History{}
	for _, e := range told() {
		h.add(e)
	}
	colours := func(h *History) int {
		var dots bytes.Buffer
		require.NoError(t, h.WritePNG(&dots))
		picture, err := png.Decode(&dots)
		require.NoError(t, err)
		require.Greater(t, picture.Bounds().Dx(), 800)
		n := 0
		for y := range picture.Bounds().Dy() {
			for x := range picture.Bounds().Dx() {
				if r, g, b, _ := picture.At(x, y).RGBA(); max(r, g, b)-min(r, g, b) > 0x3000 {
					n++
				}
			}
		}
		return n
	}
	require.Zero(t, colours(&History{}))
	require.Greater(t, colours(h), 1000)
	require.NoError(t, new(History).WriteHTML(io.Discard, "nothing yet", nil))
}

// A norm that is no number is left out of the file and does not end the run.
func TestMetricsOfNoNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	m, err := OpenMetrics(path, 0)
	require.NoError(t, err)
	observe(t, m.Observe, train.StepEvent{Iter: 1, Loss: 1, GradNorm: math.Inf(1)}, train.StepEvent{Iter: 2, Loss: 1, GradNorm: math.NaN()})
	require.ErrorContains(t, m.Observe(train.StepEvent{Iter: 3, Loss: math.NaN()}), "report: train of iteration 3: ")
	require.NoError(t, m.Close())
	require.NotContains(t, read(t, path), "grad_norm")
	h, err := ReadHistory(strings.NewReader(read(t, path)))
	require.NoError(t, err)
	require.Len(t, h.Steps, 2)
}
