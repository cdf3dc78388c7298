package generate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A loop that is left frees everything before it goes on, wherever it is left.
func TestBreakFreesEverything(t *testing.T) {
	live := handles(t)
	for n := 1; n <= 5; n++ {
		var ids []int32
		for tok, err := range Stream(t.Context(), mlx.Default(), new(toy), []int32{1, 2, 3}, nil, WithMaxTokens(5)) {
			require.NoError(t, err)
			if ids = append(ids, tok.ID); len(ids) == n {
				break
			}
		}
		require.Equal(t, live, mlx.Live(), "after %d tokens", n)
		require.Equal(t, sums([]int32{1, 2, 3}, n), ids)
	}
}

// The same holds for a loop whose body panics.
func TestPanicInLoopFreesEverything(t *testing.T) {
	live := handles(t)
	require.PanicsWithValue(t, "enough", func() {
		for range Stream(t.Context(), mlx.Default(), new(toy), []int32{1, 2, 3}, nil) {
			panic("enough")
		}
	})
	require.Equal(t, live, mlx.Live())
}

// A stream can be ranged over again: each loop is a generation of its own.
func TestStreamTwice(t *testing.T) {
	stream := Stream(t.Context(), mlx.Default(), new(toy), []int32{1, 2, 3}, nil, WithMaxTokens(3))
	for range 2 {
		var ids []int32
		for tok, err := range stream {
			require.NoError(t, err)
			ids = append(ids, tok.ID)
		}
		require.Equal(t, []int32{6, 12, 24}, ids)
	}
}

func TestCancelled(t *testing.T) {
	prompt := []int32{1, 2, 3, 4, 5}
	enough := errors.New("enough")
	for _, c := range []struct {
		what   string
		cancel func(cancel func(), m *toy) []Option
		ids    int // tokens before the error
		calls  int // of the model
		place  string
	}{
		{"before the stream", func(cancel func(), _ *toy) []Option {
			cancel()
			return nil
		}, 0, 0, "generate: prompt: "},
		{"before the first chunk", func(cancel func(), _ *toy) []Option {
			return []Option{WithProgress(func(done, _ int) { cancel() })}
		}, 0, 0, "generate: prompt: "},
		{"between two chunks", func(cancel func(), _ *toy) []Option {
			return []Option{WithProgress(func(done, _ int) {
				if done == 2 {
					cancel()
				}
			})}
		}, 0, 1, "generate: prompt: "},
		{"in the last chunk", func(cancel func(), m *toy) []Option {
			m.fail = func(n int) error {
				if n == 2 {
					cancel()
				}
				return nil
			}
			return nil
		}, 0, 2, "generate: prompt: "},
		{"after the prompt", func(cancel func(), _ *toy) []Option {
			return []Option{WithProgress(func(done, total int) {
				if done == total {
					cancel()
				}
			})}
		}, 0, 3, "generate: token 1: "},
		{"while a token is read", func(cancel func(), m *toy) []Option {
			m.fail = func(n int) error {
				if n == 6 {
					cancel()
				}
				return nil
			}
			return nil
		}, 3, 6, "generate: token 4: "},
	} {
		t.Run(c.what, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			m := new(toy)
			opts := append(c.cancel(func() { cancel(enough) }, m), WithPrefillStep(2))
			live := handles(t)
			var ids []int32
			var failed error
			for tok, err := range Stream(ctx, mlx.Default(), m, prompt, nil, opts...) {
				if failed = err; err == nil {
					ids = append(ids, tok.ID)
				}
			}
			require.Equal(t, live, mlx.Live())
			require.ErrorIs(t, failed, context.Canceled)
			require.ErrorContains(t, failed, c.place)
			require.Len(t, ids, c.ids)
			require.Equal(t, sums(prompt, c.ids), append([]int32(nil), ids...))
			require.Len(t, m.shapes, c.calls)
		})
	}
}

// The loop's body may cancel its own stream: it ends at the next step.
func TestCancelledByTheLoop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var failed error
	for _, err := range Stream(ctx, mlx.Default(), new(toy), []int32{1}, nil) {
		if failed = err; err == nil {
			if n++; n == 4 {
				cancel()
			}
		}
	}
	require.ErrorIs(t, failed, context.Canceled)
	require.ErrorContains(t, failed, "generate: token 5: ")
	require.Equal(t, 4, n)
}

// A deadline ends a stream without a bound, whatever it is at.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	live := handles(t)
	var failed error
	for _, failed = range Stream(ctx, mlx.Default(), new(toy), []int32{1}, nil, WithMaxTokens(-1)) {
	}
	require.ErrorIs(t, failed, context.DeadlineExceeded)
	require.Equal(t, live, mlx.Live())
}

// A worker that was stopped says so.
func TestStreamOnStoppedWorker(t *testing.T) {
	w := mlx.NewWorker()
	var ids []int32
	for tok, err := range Stream(t.Context(), w, new(toy), []int32{1}, nil, WithMaxTokens(3)) {
		require.NoError(t, err)
		ids = append(ids, tok.ID)
	}
	require.Equal(t, sums([]int32{1}, 3), ids)
	require.NoError(t, w.Stop())
	var failed error
	for _, failed = range Stream(t.Context(), w, new(toy), []int32{1}, nil) {
	}
	require.ErrorIs(t, failed, mlx.ErrStopped)
}
