package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/train"
)

// maxLine bounds a line of metrics.jsonl.
const maxLine = 16 << 20

// Metrics writes a run's events into a file, a line of JSON each, and remembers
// them.
type Metrics struct {
	file    *os.File
	history History
}

// OpenMetrics goes on with the file at path, or makes it. What it has past iteration
// after is dropped: a run that was killed tells it again.
func OpenMetrics(path string, after int) (*Metrics, error) {
	m := &Metrics{}
	kept, err := m.keep(path, after)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(kept); return err }); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if m.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return m, nil
}

// keep reads the lines that stay.
func (m *Metrics) keep(path string, after int) ([]byte, error) {
	if after <= 0 {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var kept bytes.Buffer
	err = eachLine(f, func(text []byte, e train.Event) {
		if iterOf(e) <= after {
			m.history.add(e)
			kept.Write(text)
			kept.WriteByte('\n')
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return kept.Bytes(), nil
}

// eachLine parses lines. One that a killed process wrote half, at the end, is left
// out.
func eachLine(r io.Reader, f func(text []byte, e train.Event)) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	var broken error
	for n := 1; in.Scan(); n++ {
		if broken != nil {
			return broken
		}
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		e, err := parseLine(in.Bytes())
		if err != nil {
			broken = fmt.Errorf("line %d: %w", n, err)
			continue
		}
		f(in.Bytes(), e)
	}
	return in.Err()
}

// Observe writes e. It is for [train.WithObserver].
func (m *Metrics) Observe(e train.Event) error {
	l := lineOf(e)
	if l == nil {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("report: %s of iteration %d: %w", l.Event, l.Iter, err)
	}
	m.history.add(e)
	if _, err := m.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// History is what was told so far, of the runs before included.
func (m *Metrics) History() *History { return &m.history }

// Close closes the file. A second Close does nothing.
func (m *Metrics) Close() error {
	if m.file == nil {
		return nil
	}
	err := errors.Join(m.file.Sync(), m.file.Close())
	m.file = nil
	return err
}
