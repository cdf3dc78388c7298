package cache

import (
	"encoding/binary"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// padding is how many columns on the left of each row of a batch are no tokens,
// so that sequences of different lengths end together.
type padding struct {
	count int       // of the rows, where it is known
	left  []int     // nil where the rows are of one length
	rows  mlx.Array // int32 [B]: where the next tokens stand, in the present Build
}

// begin prepares position for a Build.
func (p *padding) begin(s *mlx.Scope, offset int) {
	if p.left != nil {
		p.rows = integers(s, encode(p.left, func(left int) int { return offset - left }))
	}
}

// position is that of the tokens after offset columns.
func (p *padding) position(offset int) nn.Position {
	return nn.Position{Offset: offset, Rows: p.rows}
}

// blank puts zeros into the columns of padding of x [B, H, L, d], the ones after
// offset: no number may come out of them, not even by way of a weight of 0.
func (p *padding) blank(s *mlx.Scope, x mlx.Array, offset int) mlx.Array {
	rows := p.hidden(offset)
	if rows == "" {
		return x
	}
	shape := s.Shape(x)
	if len(shape) != 4 || shape[0] != len(p.left) {
		return x // an error now or before
	}
	column := s.Reshape(s.Arange(0, float64(shape[2]), 1, mlx.Int32), 1, 1, -1, 1)
	real := s.GreaterEqual(column, s.Reshape(integers(s, rows), -1, 1, 1, 1))
	return s.Where(real, x, s.ZerosLike(x))
}

// hidden are the columns of padding in each row after the first dropped ones; ""
// where there are none.
func (p *padding) hidden(dropped int) numbers {
	if !slices.ContainsFunc(p.left, func(left int) bool { return left > dropped }) {
		return ""
	}
	return encode(p.left, func(left int) int { return max(0, left-dropped) })
}

// numbers are int32s as a comparable value.
type numbers string

func encode(values []int, f func(int) int) numbers {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(f(v))))
	}
	return numbers(out)
}

// integers is numbers as an array [B], made once in a Build.
func integers(s *mlx.Scope, n numbers) mlx.Array {
	return once(s, n, func() mlx.Array {
		values := make([]int32, len(n)/4)
		for i := range values {
			values[i] = int32(binary.LittleEndian.Uint32([]byte(n[4*i:])))
		}
		return mlx.Const(s, values, len(values))
	})
}

// once is Once of a single array.
func once(s *mlx.Scope, key any, make func() mlx.Array) mlx.Array {
	made := s.Once(key, func() []mlx.Array { return []mlx.Array{make()} })
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}
