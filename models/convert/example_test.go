package convert_test

import (
	"context"
	"fmt"
	"regexp"

	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// Pack a model at 4 bits, and its down projections at 8.
func ExampleFolder() {
	_, err := convert.Folder(context.Background(), "testdata/none", "out",
		convert.Quantize(nn.Quantisation{Bits: 4}),
		convert.Layer(regexp.MustCompile(`down_proj`), nn.Quantisation{Bits: 8}))
	fmt.Println(err)
	// Output: convert: models: open testdata/none: stat testdata/none: no such file or directory
}
