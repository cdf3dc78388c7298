package probe_test

import (
	"bytes"
	"errors"
	"testing"

	"forge.lthn.ai/core/go-mlx/internal/leaktest/probe"
	"github.com/stretchr/testify/require"
)

type suite int

func (s suite) Run() int { return int(s) }

func source(live, leaked map[string]int) probe.Source {
	return probe.Source{
		Trace:  func(bool) {},
		Live:   func() map[string]int { return live },
		Stacks: func() []string { return []string{"2 x Array opened by\n\tmain.load (load.go:7)\n"} },
		Leaked: func() map[string]int { return leaked },
		Stop:   func() error { return nil },
	}
}

func TestMainFailsTheRunThatLeaks(t *testing.T) {
	failing := errors.New("stuck")
	tests := []struct {
		name   string
		tests  int
		live   map[string]int
		leaked map[string]int
		stop   error
		want   int
		says   []string
	}{
		{name: "clean", want: 0},
		{name: "failing tests keep their status", tests: 2, live: map[string]int{"Array": 1}, want: 2, says: []string{"1 Array"}},
		{name: "open handles", live: map[string]int{"Array": 2, "Stream": 1}, want: 1, says: []string{"2 Array\n", "1 Stream\n", "load.go:7"}},
		{name: "dropped owner", leaked: map[string]int{"weights": 3}, want: 1, says: []string{`3 dropped without Close by owner "weights"`}},
		{name: "stop fails", stop: failing, want: 1, says: []string{"stuck"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := source(tt.live, tt.leaked)
			s.Stop = func() error { return tt.stop }
			var out bytes.Buffer
			require.Equal(t, tt.want, s.Main(suite(tt.tests), &out))
			for _, text := range tt.says {
				require.Contains(t, out.String(), text)
			}
			if tt.says == nil {
				require.Empty(t, out.String())
			}
		})
	}
}

// recorder is a test whose failure is looked at.
type recorder struct {
	testing.TB
	cleanup func()
	failed  bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Cleanup(f func())      { r.cleanup = f }
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheckComparesWithTheStart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opens  int
		failed bool
	}{{"as before", 0, false}, {"one more", 1, true}, {"one fewer", -1, false}} {
		t.Run(tt.name, func(t *testing.T) {
			live := map[string]int{"Array": 5}
			s := source(nil, nil)
			s.Live = func() map[string]int { return map[string]int{"Array": live["Array"]} }
			r := &recorder{TB: t}
			s.Check(r)
			live["Array"] += tt.opens
			r.cleanup()
			require.Equal(t, tt.failed, r.failed)
		})
	}
}
