package safetensors_test

import (
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

func ExampleOpen() {
	f, err := safetensors.Open("testdata/tiny.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for _, t := range f.Tensors {
		fmt.Println(t.Name, t.DType, t.Shape, t.Size)
	}
	// Output:
	// embed.weight F32 [2 3] 24
	// none F32 [0 4] 0
	// scalar I32 [] 4
	// norm.weight F16 [3] 6
}

func ExampleOpenIndex() {
	x, err := safetensors.OpenIndex("testdata/sharded")
	if err != nil {
		log.Fatal(err)
	}
	defer x.Close()
	for _, name := range x.Tensors {
		info, shard, _ := x.Tensor(name)
		fmt.Println(name, info.Shape, shard.Name())
	}
	// Output:
	// a [4 8] testdata/sharded/model-00001-of-00003.safetensors
	// b [4 8] testdata/sharded/model-00002-of-00003.safetensors
	// c [4 8] testdata/sharded/model-00003-of-00003.safetensors
}
