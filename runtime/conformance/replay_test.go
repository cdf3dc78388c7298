package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func decodeInto(raw json.RawMessage, v any) error { return json.Unmarshal(raw, v) }

// Every recorded call gives the recorded results, or the recorded message. All
// that differs is listed.
func TestReplay(t *testing.T) { replay(t, true) }

// The same holds when MLX may write results over the inputs.
func TestReplayInPlace(t *testing.T) { replay(t, false) }

func replay(t *testing.T, keep bool) {
	for _, f := range load(t) {
		t.Run(f.Name, func(t *testing.T) {
			on(t, func(th *mlx.Thread) {
				var wrong differences
				for _, c := range f.Cases {
					if err := c.differs(th, f, keep); keep || !wrongInPlace(c, f) {
						wrong.add(c.text(f), c.Op, err)
					} else if err == nil && c.Out != nil {
						t.Logf("right in place, which was not expected: %s", c.text(f))
					}
				}
				t.Logf("%d cases, %d differ", len(f.Cases), wrong.n)
				if wrong.n > 0 {
					t.Errorf("%d of %d cases differ%s", wrong.n, len(f.Cases), wrong.list())
				}
			})
		})
	}
}

// wrongInPlace tells the cases that MLX 0.32.2 computes wrongly on a CPU when it
// writes the result over an input: bitwise_xor of bools.
func wrongInPlace(c *recorded, f *family) bool {
	return c.Op == "BitwiseXor" && c.Out != nil && mlx.Dtype(f.Arrays[c.Out[0]].Dtype) == mlx.Bool
}

// differs replays a call and says what is not as recorded.
func (c *recorded) differs(th *mlx.Thread, f *family, keep bool) error {
	got, err := c.run(th, f, keep)
	if c.Err != "" {
		return c.refusal(err)
	}
	if e, ok := errors.AsType[*mlx.Error](err); ok {
		return fmt.Errorf("refused: %s", e.Message)
	}
	if err != nil {
		return err
	}
	if len(got) != len(c.Out) {
		return fmt.Errorf("%d results, want %d", len(got), len(c.Out))
	}
	for i, at := range c.Out {
		if err := compare(f.Arrays[at], got[i], c.Compare.of(i)); err != nil {
			return fmt.Errorf("result %d: %w", i, err)
		}
	}
	return nil
}

// refusal compares an error with MLX's message in Python.
func (c *recorded) refusal(err error) error {
	var e *mlx.Error
	switch {
	case err == nil:
		return fmt.Errorf("taken, want %q", c.Err)
	case !errors.As(err, &e):
		return fmt.Errorf("no *mlx.Error: %w", err)
	case e.Message != strings.TrimSpace(c.Err):
		return fmt.Errorf("message %q, want %q", e.Message, c.Err)
	}
	return nil
}

// differences lists what differs: each result by its call, and the rest by what
// was said, with the operations that it was said of.
type differences struct {
	n       int
	results []string
	said    map[string]map[string]int
}

func (d *differences) add(call, op string, err error) {
	if err == nil {
		return
	}
	d.n++
	what := err.Error()
	if strings.HasPrefix(what, "result ") {
		d.results = append(d.results, call+": "+what)
		return
	}
	if d.said == nil {
		d.said = map[string]map[string]int{}
	}
	if d.said[what] == nil {
		d.said[what] = map[string]int{}
	}
	d.said[what][op]++
}

func (d *differences) list() string {
	var b strings.Builder
	for _, line := range d.results {
		b.WriteString("\n  " + line)
	}
	for _, what := range slices.Sorted(maps.Keys(d.said)) {
		b.WriteString("\n  " + what + ":")
		for _, op := range slices.Sorted(maps.Keys(d.said[what])) {
			fmt.Fprintf(&b, " %s %d", op, d.said[what][op])
		}
	}
	return b.String()
}
