package quant_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// FuzzRepack demands that the packed form, where there is one, holds the weights that dequantising gives.
func FuzzRepack(f *testing.F) {
	for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0, gguf.TypeQ6K} {
		_, data := random(typ, 2, 256)
		f.Add(uint32(typ), 2, 256, data)
	}
	f.Fuzz(func(t *testing.T, typ uint32, rows, cols int, data []byte) {
		info := gguf.TensorInfo{Name: "w", Type: gguf.Type(typ), Shape: []int{rows, cols}, Size: int64(len(data))}
		var a quant.Affine
		if quant.Repack(info, data, &a) != nil {
			return
		}
		values := make([]float32, rows*cols)
		require.NoError(t, quant.Dequantize(info, data, values))
		for i, v := range expand(&a) {
			require.True(t, v == values[i], "element %d: %g, want %g", i, v, values[i])
		}
	})
}
