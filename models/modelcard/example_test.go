package modelcard_test

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/modelcard"
)

func ExampleParseName() {
	n := modelcard.ParseName("mistralai/Mixtral-8x7B-Instruct-v0.1", 0)
	fmt.Printf("%s of %s: %s, %s, %s\n", n.Base, n.Organization, n.Size, n.Finetune, n.Version)
	// Output:
	// Mixtral of mistralai: 8x7B, Instruct, v0.1
}

func ExampleMetadata() {
	pairs, err := modelcard.Metadata(modelcard.Source{
		Card: []byte("---\nlicense: apache-2.0\nlanguage: en\n---\n"), Names: []string{"Qwen/Qwen3-0.6B"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range pairs {
		fmt.Println(p.Key, p.Value.Any())
	}
	// Output:
	// general.name Qwen3 0.6B
	// general.organization Qwen
	// general.basename Qwen3
	// general.size_label 0.6B
	// general.license apache-2.0
	// general.languages [en]
}
