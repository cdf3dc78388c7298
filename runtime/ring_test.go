package runtime_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/ringtest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// peer is this process in a ring that a test started.
type peer struct {
	*testing.T
	th   *mlx.Thread
	g    *mlx.Group
	rank int
	n    int
}

// ended is how one process of a ring ended.
type ended struct {
	code int
	out  string
}

// ring runs body in n processes on this machine that form a ring, as mlx.launch
// would start them, and returns how they ended. It does not return in them.
func ring(t *testing.T, n int, body func(p peer)) []ended {
	t.Helper()
	const marker = "GO_MLX_TEST_RING"
	if os.Getenv(marker) != "" {
		inRing(t, n, body)
		t.SkipNow()
	}
	all := make([]ended, n)
	for rank, e := range ringtest.Run(t, n, func(ctx context.Context, _ int) *exec.Cmd {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run="+only(t.Name()), "-test.v")
		cmd.Env = append(os.Environ(), marker+"=1")
		return cmd
	}) {
		all[rank] = ended{e.Code, e.Out + e.Err}
	}
	return all
}

// inRing is what a process of the ring does.
func inRing(t *testing.T, n int, body func(p peer)) {
	leaktest.Do(t, func(th *mlx.Thread) {
		g, err := mlx.InitDistributed(th, "ring", true)
		require.NoError(t, err)
		require.Equal(t, os.Getenv("MLX_RANK"), strconv.Itoa(g.Rank()))
		require.Equal(t, n, g.Size())
		body(peer{t, th, g, g.Rank(), n})
		require.NoError(t, g.Close())
		require.NoError(t, g.Close())
	})
}

// eval builds and evaluates.
func (p peer) eval(fn func(s *mlx.Scope) mlx.Array) mlx.Array {
	p.Helper()
	a := build(p.T, p.th, fn)
	require.NoError(p, p.th.Eval(a))
	return a
}

// sum is AllSum of one number.
func (p peer) sum(v int32) (int32, error) {
	a, err := p.th.Build(func(s *mlx.Scope) mlx.Array { return s.AllSum(mlx.Const(s, []int32{v}), p.g) })
	if err != nil {
		return 0, err
	}
	defer a.Close()
	return mlx.Item[int32](p.th, a)
}
