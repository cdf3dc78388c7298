package gguf_test

import (
	"errors"
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

func ExampleOpen() {
	f, err := gguf.Open("testdata/tiny.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for _, t := range f.Tensors {
		fmt.Println(t.Name, t.Type, t.Shape, t.Size)
	}
	// Output:
	// token_embd.weight Q8_0 [2 32] 68
	// output_norm.weight F32 [8] 32
}

func ExampleMetadata() {
	f, err := gguf.Open("testdata/tiny.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	tokens, err := f.Strings("tokenizer.ggml.tokens")
	fmt.Println(tokens, err)
	_, err = f.Uint("llama.context_length")
	fmt.Println(errors.Is(err, gguf.ErrNotFound))
	_, err = f.Uint("general.architecture")
	fmt.Println(err)
	// Output:
	// [<s> hello world] <nil>
	// true
	// gguf: testdata/tiny.gguf: metadata "general.architecture" is string, want integer
}
