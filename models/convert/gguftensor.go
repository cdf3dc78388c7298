package convert

import (
	"context"
	"errors"
	"fmt"
	"io"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// chunkElements is how many elements of a tensor are in memory as float32 at a time.
const chunkElements = 1 << 20

// ggufTensor writes one tensor's blocks.
func (s *settings) ggufTensor(ctx context.Context, w io.Writer, info gguf.TensorInfo, t models.GGUFTensor) error {
	return s.worker.Do(ctx, func(th *mlx.Thread) (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		x := &ggufBlocks{th: th, info: info, of: t}
		defer func() { err = errors.Join(err, mlx.CloseAll(x.parts...), th.ClearCache()) }()
		if err := x.read(); err != nil {
			return err
		}
		step := max(1, chunkElements/x.cols)
		for lo := 0; lo < x.rows; lo += step {
			data, err := x.chunk(lo, min(lo+step, x.rows))
			if err != nil {
				return err
			}
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return nil
	})
}

// ggufBlocks is a tensor on its way into blocks.
type ggufBlocks struct {
	th         *mlx.Thread
	info       gguf.TensorInfo
	of         models.GGUFTensor
	rows, cols int
	q          nn.Quantisation // how it is packed; zero is not at all
	parts      []mlx.Array     // [rows, ...] each: the weight, or words, scales and biases
}

// read reads the tensor as rows, in the order of the file.
func (x *ggufBlocks) read() (err error) {
	x.rows, x.cols = 1, 1
	for i, d := range x.info.Shape {
		if i == len(x.info.Shape)-1 && (i > 0 || x.of.Heads == 0) {
			x.cols = d
		} else {
			x.rows *= d
		}
	}
	if x.of.Heads > 0 && x.rows%(2*x.of.Heads) != 0 {
		return fmt.Errorf("%d rows are no halves of %d heads", x.rows, x.of.Heads)
	}
	var parts []mlx.Array
	if q, ok := x.of.Tensor.(nn.Quantised); ok {
		p, err := q.Packed(x.th, mlx.Float32)
		if err != nil {
			return err
		}
		x.q = p.Quantisation
		parts = []mlx.Array{p.Weight, p.Scales}
		if !p.Biases.IsNull() {
			parts = append(parts, p.Biases)
		}
	} else {
		a, err := x.of.Dense(x.th, nn.StoredDtype(x.of.Tensor))
		if err != nil {
			return err
		}
		parts = []mlx.Array{a}
	}
	x.parts, err = x.th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for i, a := range parts {
			parts[i] = x.ordered(s, s.Own(a, nil))
		}
		return parts
	})
	if err != nil {
		return err
	}
	return x.th.Eval(x.parts...)
}

// ordered reshapes a part to rows, and lets the halves of each head alternate.
func (x *ggufBlocks) ordered(s *mlx.Scope, a mlx.Array) mlx.Array {
	if h := x.of.Heads; h > 0 {
		a = s.SwapAxes(s.Reshape(a, h, 2, x.rows/h/2, -1), 1, 2)
	}
	return s.Reshape(a, x.rows, -1)
}

// chunk is the blocks of rows.
func (x *ggufBlocks) chunk(lo, hi int) (data []byte, err error) {
	info := x.info
	info.Shape = []int{hi - lo, x.cols}
	data = make([]byte, (hi-lo)*x.cols/info.Type.BlockSize()*info.Type.BlockBytes())
	parts, err := x.slices(lo, hi)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, mlx.CloseAll(parts...)) }()
	switch {
	case x.q.Mode == "affine":
		a := &quant.Affine{Bits: x.q.Bits, GroupSize: x.q.GroupSize, Rows: hi - lo, Cols: x.cols}
		if err := errors.Join(values(x.th, parts[0], &a.Weight), values(x.th, parts[1], &a.Scales), values(x.th, parts[2], &a.Biases)); err != nil {
			return nil, err
		}
		return data, quant.QuantizeAffine(info, a, data)
	case info.Type == gguf.TypeMXFP4:
		m := &quant.MXFP4{Rows: hi - lo, Cols: x.cols}
		if err := errors.Join(values(x.th, parts[0], &m.Weight), values(x.th, parts[1], &m.Scales)); err != nil {
			return nil, err
		}
		return data, quant.QuantizeMXFP4(info, m, data)
	}
	var numbers []float32
	if err := values(x.th, parts[0], &numbers); err != nil {
		return nil, err
	}
	return data, quant.Quantize(info, numbers, data)
}

func values[T mlx.Element](th *mlx.Thread, a mlx.Array, to *[]T) (err error) {
	*to, err = mlx.Values[T](th, a)
	return err
}

// slices are the rows of each part; of a weight whose blocks are made of numbers,
// those as float32.
func (x *ggufBlocks) slices(lo, hi int) ([]mlx.Array, error) {
	return x.th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		out := make([]mlx.Array, len(x.parts))
		for i, a := range x.parts {
			out[i] = a
			if width := s.Shape(a); len(width) == 2 {
				out[i] = s.Slice(a, []int{lo, 0}, []int{hi, width[1]}, []int{1, 1})
			}
		}
		switch {
		case x.q.Mode == "affine" || x.info.Type == gguf.TypeMXFP4:
			return out
		case x.q.Bits > 0:
			a := s.Dequantize(out[0], out[1], mlx.Array{}, mlx.SomeInt(x.q.GroupSize), mlx.SomeInt(x.q.Bits), x.q.Mode, mlx.Array{}, mlx.SomeDtype(mlx.Float32))
			return []mlx.Array{a}
		}
		a := s.AsType(out[0], mlx.Float32)
		if x.of.Shift != 0 {
			a = s.Add(a, s.Scalar(float64(x.of.Shift), mlx.Float32))
		}
		return []mlx.Array{a}
	})
}
