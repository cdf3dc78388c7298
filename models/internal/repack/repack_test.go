package repack_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/internal/repack"
)

// matrix is codes [in, out], in one of the ways that files have.
type matrix struct {
	in, out, bits int
	codes         []uint32
}

func random(in, out, bits int) matrix {
	m := matrix{in, out, bits, make([]uint32, in*out)}
	r := rand.New(rand.NewPCG(uint64(in), uint64(out)))
	for i := range m.codes {
		m.codes[i] = r.Uint32() & (1<<bits - 1)
	}
	return m
}

// mlx packs along the inputs: words [out, in*bits/32], the lowest bits first.
func (m matrix) mlx() []uint32 {
	per := 32 / m.bits
	words := make([]uint32, m.in*m.out/per)
	for i := range m.in {
		for o := range m.out {
			words[o*(m.in/per)+i/per] |= m.codes[i*m.out+o] << (i % per * m.bits)
		}
	}
	return words
}

// gptq packs along the inputs too, words [in*bits/32, out].
func (m matrix) gptq() []byte {
	per := 32 / m.bits
	words := make([]uint32, m.in*m.out/per)
	for i := range m.in {
		for o := range m.out {
			words[i/per*m.out+o] |= m.codes[i*m.out+o] << (i % per * m.bits)
		}
	}
	return encode(words)
}

// awq packs along the outputs: of eight, the even ones first.
func (m matrix) awq() []byte {
	words := make([]uint32, m.in*m.out/8)
	for i := range m.in {
		for o := range m.out {
			place := o % 8 / 2
			if o%2 == 1 {
				place += 4
			}
			words[i*(m.out/8)+o/8] |= m.codes[i*m.out+o] << (4 * place)
		}
	}
	return encode(words)
}

func encode(words []uint32) (out []byte) {
	for _, w := range words {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return out
}

// Every code of a matrix finds its place, whatever the sizes of the blocks that
// are worked on.
func TestCodes(t *testing.T) {
	for _, size := range [][2]int{{32, 8}, {64, 24}, {96, 136}, {160, 48}} {
		for _, bits := range []int{2, 4, 8} {
			m := random(size[0], size[1], bits)
			words := make([]uint32, len(m.mlx()))
			repack.Transpose(words, m.gptq(), m.in*bits/32, m.out)
			require.Equal(t, m.mlx(), words, "gptq %v %d bits", size, bits)
			if bits == 4 {
				clear(words)
				repack.AWQ(words, m.awq(), m.in, m.out)
				require.Equal(t, m.mlx(), words, "awq %v", size)
			}
		}
	}
}

// The first version of GPTQ stores a zero point less one: 0 is stored as the
// largest code.
func TestZeros(t *testing.T) {
	const out, groups = 16, 3
	for _, bits := range []int{2, 4, 8} {
		m := random(out, groups, bits) // packed along out, as a transposed weight
		stored := matrix{groups, out, bits, nil}
		var want, less []float32
		for o := range out {
			for g := range groups {
				z := m.codes[o*groups+g]
				want, less = append(want, float32(z)), append(less, float32((z+1)&(1<<bits-1)))
			}
		}
		words := make([]uint32, groups*out*bits/32)
		for g := range groups {
			for o := range out {
				words[g*(out*bits/32)+o*bits/32] |= m.codes[o*groups+g] << (o * bits % 32)
			}
		}
		have := make([]float32, len(want))
		repack.GPTQZeros(have, encode(words), groups, out, bits, 0)
		require.Equal(t, want, have)
		repack.GPTQZeros(have, encode(words), groups, out, bits, 1)
		require.Equal(t, less, have)
		if bits == 4 {
			stored.codes = make([]uint32, groups*out)
			for g := range groups {
				for o := range out {
					stored.codes[g*out+o] = m.codes[o*groups+g]
				}
			}
			repack.AWQZeros(have, stored.awq(), groups, out)
			require.Equal(t, want, have)
		}
	}
}

func BenchmarkAWQ(b *testing.B) {
	const in, out = 2048, 4096
	src, dst := make([]byte, in*out/2), make([]uint32, in*out/8)
	b.SetBytes(in * out / 2)
	for b.Loop() {
		repack.AWQ(dst, src, in, out)
	}
}

func BenchmarkGPTQ(b *testing.B) {
	const in, out = 2048, 4096
	src, dst := make([]byte, in*out/2), make([]uint32, in*out/8)
	b.SetBytes(in * out / 2)
	for b.Loop() {
		repack.Transpose(dst, src, in/8, out)
	}
}
