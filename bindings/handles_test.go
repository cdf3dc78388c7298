package bindings_test

import (
	"strings"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestCloseZeroesTheHandleAndMayBeRepeated(t *testing.T) {
	k := begin(t)
	a, err := bindings.NewArrayInt(3)
	require.NoError(t, err)
	require.False(t, a.IsNull())
	require.NoError(t, a.Close())
	require.True(t, a.IsNull())
	require.Equal(t, bindings.Array{}, a)
	require.NoError(t, a.Close())

	_, err = bindings.Square(a, k.s)
	k.fails(err, "square", "non-empty mlx_array", 1)
}

func TestLiveCountsByKind(t *testing.T) {
	begin(t)
	before := bindings.Live()
	a, err := bindings.NewArrayInt(3)
	require.NoError(t, err)
	b, err := a.Retain()
	require.NoError(t, err)
	name, err := bindings.NewStringData("x")
	require.NoError(t, err)
	require.Equal(t, before["Array"]+2, bindings.Live()["Array"])
	require.Equal(t, before["String"]+1, bindings.Live()["String"])
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	require.NoError(t, name.Close())
	require.Equal(t, before, bindings.Live())
}

func TestNullHandlesAreNotCounted(t *testing.T) {
	begin(t)
	before := bindings.Live()
	a, err := bindings.NewArray()
	require.NoError(t, err)
	require.True(t, a.IsNull())
	require.Equal(t, before, bindings.Live())
	require.NoError(t, a.Close())
	require.Equal(t, before, bindings.Live())
}

func TestRetainOutlivesTheFirstHandle(t *testing.T) {
	begin(t)
	a, err := bindings.NewArrayFloat32(1.5)
	require.NoError(t, err)
	b, err := a.Retain()
	require.NoError(t, err)
	require.NotEqual(t, a, b)
	require.NoError(t, a.Close())
	v, err := b.ItemFloat32()
	require.NoError(t, err)
	require.Equal(t, float32(1.5), v)
	require.NoError(t, b.Close())
}

func TestRetainOfNull(t *testing.T) {
	k := begin(t)
	_, err := bindings.Array{}.Retain()
	k.fails(err, "array_set", "non-empty mlx_array", 1)
}

func TestCloseAll(t *testing.T) {
	begin(t)
	before := bindings.Live()
	list := make([]bindings.Array, 5)
	for i := range list {
		if i == 2 {
			continue // nulls between are skipped
		}
		a, err := bindings.NewArrayInt(int32(i))
		require.NoError(t, err)
		list[i] = a
	}
	require.NoError(t, bindings.CloseAll(list))
	require.Equal(t, make([]bindings.Array, 5), list)
	require.Equal(t, before, bindings.Live())

	require.NoError(t, bindings.CloseAll(list), "a second time")
	require.NoError(t, bindings.CloseAll(nil))
}

func TestLiveStacksShowWhoOpened(t *testing.T) {
	begin(t)
	list := make([]bindings.Array, 3)
	for i := range list {
		a, err := bindings.NewArrayInt(3)
		require.NoError(t, err)
		list[i] = a
	}
	stacks := bindings.LiveStacks()
	require.Contains(t, stacks[0], "3 x Array opened by\n", "the most frequent first")
	require.Contains(t, stacks[0], "TestLiveStacksShowWhoOpened")
	require.Contains(t, stacks[0], "handles_test.go:")
	require.NoError(t, bindings.CloseAll(list))
	require.NotContains(t, strings.Join(bindings.LiveStacks(), ""), "Array opened by")
}

func TestTracingOffRemembersNoStack(t *testing.T) {
	begin(t)
	bindings.TraceHandles(false)
	a, err := bindings.NewArrayInt(3)
	bindings.TraceHandles(true)
	require.NoError(t, err)
	require.NotContains(t, strings.Join(bindings.LiveStacks(), ""), "Array opened by")
	require.NoError(t, a.Close())
}

func TestAnOpenHandleFailsTheRun(t *testing.T) {
	out, err := inChild(t, nil, func() {
		a, err := bindings.NewArrayInt(3)
		require.NoError(t, err)
		require.False(t, a.IsNull())
	})
	require.Error(t, err, "the leak check of TestMain")
	require.Contains(t, out, "--- SKIP: TestAnOpenHandleFailsTheRun", "the child did not fail itself")
	require.Contains(t, out, "1 Array\n")
	require.Contains(t, out, "handles_test.go:", "the stack that opened it")
}
