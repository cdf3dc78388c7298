package quant_test

import (
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

func ExampleRepack() {
	f, err := gguf.Open("../testdata/tiny.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Tensor("token_embd.weight")
	data, err := f.Data(info)
	if err != nil {
		log.Fatal(err)
	}
	var a quant.Affine
	if err := quant.Repack(info, data, &a); err != nil {
		log.Fatal(err)
	}
	first := a.Weight[0] & 0xff
	fmt.Printf("%d bits, %d x %d, %d words, %d scales\n", a.Bits, a.Rows, a.Cols, len(a.Weight), len(a.Scales))
	fmt.Printf("first weight: %.3f\n", a.Scales[0]*float32(first)+a.Biases[0])
	// Output:
	// 8 bits, 2 x 32, 16 words, 2 scales
	// first weight: -1.000
}

func ExampleDequantize() {
	f, err := gguf.Open("../testdata/tiny.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Tensor("token_embd.weight")
	data, err := f.Data(info)
	if err != nil {
		log.Fatal(err)
	}
	values := make([]float32, info.Elements())
	if err := quant.Dequantize(info, data, values); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f ... %.3f\n", values[0], values[63])
	// Output:
	// -1.000 ... 1.000
}
