package reftest

import (
	"hash/crc32"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// StoredAs is a tensor of that name as a checkpoint has it, as stored of
// models/testdata/parity.py makes it: NumbersOf in dtype, but bytes where the name
// is one of OpenAI's blocks or their exponents.
func StoredAs(s *mlx.Scope, name string, shape []int, dtype mlx.Dtype) mlx.Array {
	low, span := uint64(0), uint64(256)
	switch {
	case strings.HasSuffix(name, "_scales"):
		low, span = 119, 4
	case !strings.HasSuffix(name, "_blocks"):
		return s.AsType(mlx.Const(s, NumbersOf(name, shape), shape...), dtype)
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	bytes := make([]uint8, n)
	for i := range bytes {
		bytes[i] = uint8(low + BitsOf(name, i)%span)
	}
	return mlx.Const(s, bytes, shape...)
}

// NumbersOf are the numbers of a tensor of that name, as tensor of
// models/testdata/parity.py makes them: in [-1/8, 1/8), vectors but biases around 1.
func NumbersOf(name string, shape []int) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(int64(BitsOf(name, i))-(1<<23)) / (1 << 26)
		if len(shape) == 1 && !strings.HasSuffix(name, "bias") {
			values[i]++
		}
	}
	return values
}

// BitsOf are 24 random bits of a name and an index.
func BitsOf(name string, i int) uint64 { return Bits(crc32.ChecksumIEEE([]byte(name)), i) }

// Bits are 24 random bits of a seed and an index: splitmix64.
func Bits(seed uint32, i int) uint64 {
	z := (uint64(seed)<<32 + uint64(i) + 1) * 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return (z ^ (z >> 31)) >> 40
}
