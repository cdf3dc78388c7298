package quant

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the processor's wide registers pack is what plain Go packs, for any number of
// blocks, and nothing behind it is touched.
func TestFastPacking(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, blocks := range []int{0, 1, 2, 3, 4, 7, 64, 65} {
		for _, c := range []struct {
			name       string
			size, word int
			fast, slow func(dst []uint32, src []byte)
		}{
			{"Q4_0", 18, 4, func(dst []uint32, src []byte) { packNibbles(dst, src, 18, 2) }, func(dst []uint32, src []byte) { slowNibbles(dst, src, 18, 2) }},
			{"Q4_1", 20, 4, func(dst []uint32, src []byte) { packNibbles(dst, src, 20, 4) }, func(dst []uint32, src []byte) { slowNibbles(dst, src, 20, 4) }},
			{"Q8_0", 34, 8, packBytes, slowBytes},
		} {
			src := make([]byte, blocks*c.size)
			for i := range src {
				src[i] = byte(random.Uint32())
			}
			got, want := make([]uint32, (blocks+1)*c.word), make([]uint32, blocks*c.word)
			c.fast(got[:blocks*c.word], src)
			c.slow(want, src)
			require.Equal(t, append(want, make([]uint32, c.word)...), got, "%s, %d blocks", c.name, blocks)
		}
	}
}
