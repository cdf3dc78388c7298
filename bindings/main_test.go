package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/leaktest/probe"
)

// handles watches the bindings themselves: leaktest watches the runtime, which
// the bindings must not know.
var handles = probe.Source{
	Trace:  bindings.TraceHandles,
	Live:   bindings.Live,
	Stacks: bindings.LiveStacks,
}

func TestMain(m *testing.M) { handles.Exit(m) }
