package quant_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// FuzzRepack demands that the packed form, where there is one, holds the weights that dequantising gives, or comes as
// near as it promises.
func FuzzRepack(f *testing.F) {
	for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0, gguf.TypeQ2K, gguf.TypeQ3K,
		gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4NL, gguf.TypeIQ4XS, gguf.TypeMXFP4} {
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
		if form, _ := quant.FormOf(info.Type, quant.WithFineGroups()); form.Nested {
			var c quant.Affine
			require.NoError(t, quant.Repack(info, data, &c, quant.WithFineGroups(), quant.WithCompactScales()))
			require.InDeltaSlice(t, values, expand(compacted(t, c)), 0)
		}
		if form, _ := quant.FormOf(info.Type); !form.Exact {
			requireNear(t, &a, values)
			return
		}
		for i, v := range expand(&a) {
			require.True(t, v == values[i], "element %d: %g, want %g", i, v, values[i])
		}
	})
}

// FuzzRepackMXFP4 does the same for that type.
func FuzzRepackMXFP4(f *testing.F) {
	_, data := random(gguf.TypeMXFP4, 2, 64)
	f.Add(2, 64, data)
	f.Fuzz(func(t *testing.T, rows, cols int, data []byte) {
		info := gguf.TensorInfo{Name: "w", Type: gguf.TypeMXFP4, Shape: []int{rows, cols}, Size: int64(len(data))}
		var a quant.MXFP4
		if quant.RepackMXFP4(info, data, &a) != nil {
			return
		}
		values := make([]float32, rows*cols)
		require.NoError(t, quant.Dequantize(info, data, values))
		for i, v := range expandMXFP4(&a) {
			require.True(t, v == values[i], "element %d: %g, want %g", i, v, values[i])
		}
	})
}
