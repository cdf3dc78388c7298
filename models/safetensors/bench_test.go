package safetensors_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// BenchmarkParseHeader reads a header of a thousand tensors, more than most shards have.
func BenchmarkParseHeader(b *testing.B) {
	var header bytes.Buffer
	header.WriteByte('{')
	for i := range 1000 {
		if i > 0 {
			header.WriteByte(',')
		}
		fmt.Fprintf(&header, `"model.layers.%d.weight":{"dtype":"BF16","shape":[4,8],"data_offsets":[%d,%d]}`, i, 64*i, 64*i+64)
	}
	header.WriteByte('}')
	raw := file(header.String(), 64000)
	b.ReportAllocs()
	for b.Loop() {
		_, err := safetensors.ParseHeader(bytes.NewReader(raw), int64(len(raw)), "bench")
		require.NoError(b, err)
	}
}
