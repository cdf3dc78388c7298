package models

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Closing a model ends its generations with an error, those under way and those to
// come, instead of letting them read freed weights.
func TestGenerateAfterClose(t *testing.T) {
	leaktest.Check(t)
	m, err := Load(t.Context(), tiny(t, "gqa"))
	require.NoError(t, err)
	stream := m.GenerateTokens(t.Context(), []int32{1, 2, 3})
	next, stop := iter.Pull2(stream)
	defer stop()
	_, err, ok := next()
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, m.Close())
	_, err, ok = next()
	require.True(t, ok)
	require.ErrorIs(t, err, ErrClosed)
	for _, err = range stream {
	}
	require.ErrorIs(t, err, ErrClosed)
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			return m.Forward(s, mlx.Const(s, []int32{1}), nil)
		})
		require.ErrorIs(t, err, ErrClosed)
	})
}

// Forward with one token of each of several sequences, as [B, 1].
func TestForwardOneColumn(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"))
	leaktest.Do(t, func(th *mlx.Thread) {
		a, b := m.NewCache(th), m.NewCache(th)
		want := forward(t, th, m, a, []int32{5, 6}, 2)
		have := forward(t, th, m, b, []int32{5, 6}, 2, 1)
		requireClose(t, want, have, 1e-5, "[B, 1]")
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	})
}

// Ids that the model does not have are refused, not read.
func TestTokensOutsideTheVocabulary(t *testing.T) {
	m := loadTest(t, tiny(t, "plain"))
	for _, id := range []int32{-1, 48, 1 << 30} {
		for _, err := range m.GenerateTokens(t.Context(), []int32{1, id}) {
			require.EqualError(t, err, fmt.Sprintf("models: token 2 of the prompt, %d, is not in the vocabulary of 48", id))
		}
	}
}
