package tune_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// A model of random weights stands for one that models.Load reads.
func newModel(ctx context.Context) *models.Model {
	m, err := models.New(ctx, []byte(`{"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
		"num_attention_heads": 2, "vocab_size": 40, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}`))
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// An adapter is made and trained on one model, saved, and loaded onto another, into
// whose weights it is merged.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "adapters")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	trained := newModel(ctx)
	defer trained.Close()
	if err := tune.Apply(ctx, trained, tune.Config{Layers: 1, Keys: []string{"self_attn.q_proj"}, Rank: 4}); err != nil {
		log.Fatal(err)
	}
	// ... train.New(ctx, trained, ...)
	if err := tune.Save(ctx, trained, dir); err != nil {
		log.Fatal(err)
	}

	used := newModel(ctx)
	defer used.Close()
	if err := tune.Load(ctx, used, dir); err != nil {
		log.Fatal(err)
	}
	fmt.Println(nn.Trainable(used.Module()).Names())
	if err := tune.Merge(ctx, used); err != nil {
		log.Fatal(err)
	}
	fmt.Println(nn.Trainable(used.Module()).Names())
	// Output:
	// [model.layers.1.self_attn.q_proj.lora_a model.layers.1.self_attn.q_proj.lora_b]
	// []
}
