package models_test

import (
	"context"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// A checkpoint of one's own choice of weights, sampled with a filter and a seed.
func ExampleLoad() {
	path, err := testmodels.SmolLM2(context.Background()) // a .gguf file, or a folder
	if err != nil {
		log.Fatal(err)
	}
	m, err := models.Load(context.Background(), path, models.WithWeights(models.Dense))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	stream := m.Generate(context.Background(), "The capital of France is", generate.WithMaxTokens(2),
		generate.WithSampling(generate.Sampling{Temperature: 0.5, TopK: 1}), generate.WithSeed(7))
	for tok, err := range stream {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %q\n", tok.ID, tok.Text)
	}
	// Output:
	// 7042 " Paris"
	// 30 "."
}

// The prompt of a conversation, and the logits that follow it, for code that
// builds its own graphs.
func ExampleModel_Forward() {
	path, err := testmodels.SmolLM2(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	m, err := models.Load(context.Background(), path)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	ids, err := m.ChatTokens(templates.Chat{Messages: []templates.Message{
		{Role: "system", Content: "You answer in one word."},
		{Role: "user", Content: "What is the capital of France?"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	err = m.Worker().Do(context.Background(), func(t *mlx.Thread) error {
		kv := m.NewCache(t)
		defer kv.Close()
		best, err := t.Build(func(s *mlx.Scope) mlx.Array {
			logits := m.Forward(s, mlx.Const(s, ids, 1, len(ids)), kv) // [1, L, V]
			return s.ArgmaxAxis(logits, -1, false)
		})
		if err != nil {
			return err
		}
		defer best.Close()
		next, err := mlx.Values[uint32](t, best)
		if err != nil {
			return err
		}
		fmt.Println(len(ids), "tokens; the next one is", next[len(next)-1])
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 27 tokens; the next one is 504
}
