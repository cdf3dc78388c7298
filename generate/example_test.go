package generate_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// counter is the smallest of models: after token n comes n+1.
type counter struct{}

func (counter) NewCache(t *mlx.Thread, _ ...cache.Option) *cache.Cache { return cache.New(t, nil) }

func (counter) Forward(s *mlx.Scope, tokens mlx.Array, _ *cache.Cache) mlx.Array {
	const vocab = 10
	next := s.ExpandDims(s.Add(tokens, s.Scalar(1, mlx.Int32)), -1)               // [..., 1]
	return s.AsType(s.Equal(s.Arange(0, vocab, 1, mlx.Int32), next), mlx.Float32) // [..., V]
}

func ExampleStream() {
	stream := generate.Stream(context.Background(), mlx.Default(), counter{}, []int32{1, 2, 3}, nil,
		generate.WithMaxTokens(100), generate.WithStopTokens(8))
	for tok, err := range stream {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.ID, " ")
		if tok.Finish != "" {
			fmt.Println(tok.Finish, tok.Stats.PromptTokens, tok.Stats.GeneratedTokens)
		}
	}
	// Output: 4 5 6 7 8 stop 3 5
}

// The filters come before the temperature: of these tokens top-k keeps two, which
// are drawn as often as each other.
func ExampleSampling_Sample() {
	err := mlx.Do(context.Background(), func(t *mlx.Thread) error {
		tokens, err := t.Build(func(s *mlx.Scope) mlx.Array {
			logits := s.BroadcastTo(mlx.Const(s, []float32{1, 4, 2, 4}), 1000, 4)
			return generate.Sampling{Temperature: 1, TopK: 2}.Sample(s, logits, s.RandomKey(0))
		})
		if err != nil {
			return err
		}
		defer tokens.Close()
		drawn, err := mlx.Values[uint32](t, tokens)
		counts := make([]int, 4)
		for _, id := range drawn {
			counts[id]++
		}
		fmt.Println(counts[0], counts[2], counts[1] > 400, counts[3] > 400)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 0 0 true true
}
