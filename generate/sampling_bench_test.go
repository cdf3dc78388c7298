package generate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// BenchmarkSample draws a token from a vocabulary of 49,152, key and evaluation
// included.
func BenchmarkSample(b *testing.B) {
	mlx.TraceHandles(false) // the leak check's stacks would be most of the time
	defer mlx.TraceHandles(true)
	for _, p := range []Sampling{{}, {Temperature: 0.7}, {Temperature: 0.7, TopK: 40}, {Temperature: 0.7, MinP: 0.05}, {Temperature: 0.7, TopP: 0.9}} {
		b.Run(fmt.Sprintf("temp%v-p%v-min%v-k%d", p.Temperature, p.TopP, p.MinP, p.TopK), func(b *testing.B) { benchmarkSample(b, p) })
	}
}

func benchmarkSample(b *testing.B, p Sampling) {
	require.NoError(b, mlx.Do(b.Context(), func(t *mlx.Thread) error {
		logits, err := t.Build(func(s *mlx.Scope) mlx.Array {
			return s.Multiply(s.RandomNormal([]int{1, 49152}, mlx.Float32, 0, 1, s.RandomKey(1)), s.Scalar(3, mlx.Float32))
		})
		if err != nil {
			return err
		}
		defer logits.Close()
		if err := t.Eval(logits); err != nil {
			return err
		}
		for b.Loop() {
			token, err := t.Build(func(s *mlx.Scope) mlx.Array { return p.Sample(s, logits, s.RandomKey(7)) })
			if err != nil {
				return err
			}
			if err := t.Eval(token); err != nil {
				return err
			}
			token.Close()
		}
		return nil
	}))
}
