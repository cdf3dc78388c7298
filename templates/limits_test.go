package templates_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// TestHostileTemplates holds that no template can hang, exhaust memory or
// overflow the stack: each of these ends in a limit error, soon.
func TestHostileTemplates(t *testing.T) {
	for name, src := range hostile() {
		t.Run(name, func(t *testing.T) {
			// A fifth of the default steps, to spend less time on it.
			tmpl, err := templates.Compile(src, templates.WithLimits(templates.Limits{Steps: 4_000_000}))
			start := time.Now()
			if err == nil {
				_, err = tmpl.Execute(templates.NewDict())
			}
			require.ErrorIs(t, err, templates.ErrLimit)
			require.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

// TestLimitsAreAdjustable holds each limit just within and just beyond it.
func TestLimitsAreAdjustable(t *testing.T) {
	const countdown = "{% macro m(n) %}{{ m(n - 1) if n else 'x' }}{% endmacro %}"
	tests := []struct {
		name, src string
		limits    templates.Limits
		ok        bool
	}{
		{"output within", "{{ 'a' * 100 }}", templates.Limits{Output: 100}, true},
		{"output beyond", "{{ 'a' * 101 }}", templates.Limits{Output: 100}, false},
		{"text beyond", strings.Repeat("a", 101), templates.Limits{Output: 100}, false},
		{"steps within", "{% for i in range(10) %}{% endfor %}", templates.Limits{Steps: 50}, true},
		{"steps beyond", "{% for i in range(100) %}{% endfor %}", templates.Limits{Steps: 50}, false},
		{"depth within", countdown + "{{ m(3) }}", templates.Limits{Depth: 50}, true},
		{"depth beyond", countdown + "{{ m(30) }}", templates.Limits{Depth: 50}, false},
		{"source within", "abc", templates.Limits{Source: 3}, true},
		{"source beyond", "abcd", templates.Limits{Source: 3}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := templates.Compile(tt.src, templates.WithLimits(tt.limits))
			if err == nil {
				_, err = tmpl.Execute(templates.NewDict())
			}
			if tt.ok {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, templates.ErrLimit)
			}
		})
	}
}

// TestConcurrentRendering renders one template from many goroutines.
func TestConcurrentRendering(t *testing.T) {
	tmpl := smollm2(t)
	chat := longChat(20)
	want, err := tmpl.Render(chat)
	require.NoError(t, err)
	var wg sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wg.Go(func() {
			for range 20 {
				got[i], _ = tmpl.Render(chat)
			}
		})
	}
	wg.Wait()
	for _, text := range got {
		require.Equal(t, want, text)
	}
}
