package models

import (
	"encoding/binary"
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// intTensor is a weight [out, in] of integers with scales and zero points for
// groups of inputs, as GPTQ and AWQ store it. MLX holds the same codes, with
// bias = -scale * zero.
type intTensor struct {
	qweight, scales storedTensor
	qzeros          *storedTensor // nil where the zero point is the middle
	in, out, bits   int
	size            int // of a group; -1 is the whole row
	layout          intLayout
}

// intLayout is how a format orders the integers.
type intLayout interface {
	// words are the shapes of qweight and qzeros.
	words() (weight, zeros []int)
	// codes writes words [out, in*bits/32] in MLX's order.
	codes(dst []uint32, src []byte)
	// zeros writes the zero points [out, groups].
	zeros(dst []float32, src []byte)
}

func (t *intTensor) Shape() []int { return []int{t.out, t.in} }

// StoredDtype implements nn.Stored.
func (t *intTensor) StoredDtype() mlx.Dtype { return dtypes[t.scales.DType] }

// groups is how many a row has in the file.
func (t *intTensor) groups() int {
	if t.size < 0 {
		return 1
	}
	return t.in / t.size
}

// Quantisation implements nn.Quantised. Groups that are larger than MLX's become
// several of one scale.
func (t *intTensor) Quantisation() nn.Quantisation {
	size := t.size
	if size < 0 {
		size = t.in
	}
	return nn.Quantisation{GroupSize: min(size, 128), Bits: t.bits, Mode: "affine"}
}

// Check implements nn.Checker.
func (t *intTensor) Check() error {
	if len(t.qweight.Shape) != 2 || t.in == 0 || t.out%8 != 0 || t.out == 0 {
		return t.qweight.errorf("shape %v is that of no packed matrix", t.qweight.Shape)
	}
	q := t.Quantisation()
	if !slices.Contains(quantisations(false), q) || t.in%(t.groups()*q.GroupSize) != 0 || t.size > 0 && t.in%t.size != 0 {
		return t.qweight.errorf("rows of %d are no groups of %d (quantization_config.group_size)", t.in, t.size)
	}
	weight, zeros := t.layout.words()
	errs := []error{
		t.qweight.wants(weight, safetensors.I32, safetensors.U32),
		t.scales.wants([]int{t.groups(), t.out}, floats...),
	}
	if t.qzeros != nil {
		errs = append(errs, t.qzeros.wants(zeros, safetensors.I32, safetensors.U32))
	}
	return errors.Join(errs...)
}

// Packed implements nn.Quantised.
func (t *intTensor) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	if err := t.Check(); err != nil {
		return nn.Packed{}, err
	}
	scales, zeros, err := t.groupNumbers(th)
	if err != nil {
		return nn.Packed{}, err
	}
	data, err := t.qweight.file.Data(t.qweight.TensorInfo)
	if err != nil {
		return nn.Packed{}, err
	}
	q := t.Quantisation()
	words := make([]uint32, t.out*t.in*t.bits/32)
	t.layout.codes(words, data)
	biases := zeros
	for i := range biases {
		biases[i] *= -scales[i]
	}
	repeat := t.in / q.GroupSize / t.groups()
	return intArrays(th, q, dtype, t.out, words, repeated(scales, repeat), repeated(biases, repeat))
}

// intArrays copies the parts of a packed weight of rows into arrays.
func intArrays(th *mlx.Thread, q nn.Quantisation, dtype mlx.Dtype, rows int, words []uint32, scales, biases []float32) (nn.Packed, error) {
	out := nn.Packed{Quantisation: q}
	var errs [3]error
	out.Weight, errs[0] = mlx.FromSlice(th, words, rows, len(words)/rows)
	out.Scales, errs[1] = fromFloats(th, scales, dtype, rows, len(scales)/rows)
	out.Biases, errs[2] = fromFloats(th, biases, dtype, rows, len(biases)/rows)
	if err := errors.Join(errs[:]...); err != nil {
		return nn.Packed{}, errors.Join(err, mlx.CloseAll(out.Weight, out.Scales, out.Biases))
	}
	return out, nil
}

// fromFloats copies values into an array of dtype.
func fromFloats(th *mlx.Thread, values []float32, dtype mlx.Dtype, shape ...int) (mlx.Array, error) {
	a, err := mlx.FromSlice(th, values, shape...)
	if err != nil || dtype == mlx.Float32 {
		return a, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return s.AsType(s.Own(a, nil), dtype) })
}

// repeated has each value n times.
func repeated(values []float32, n int) []float32 {
	if n == 1 {
		return values
	}
	out := make([]float32, 0, len(values)*n)
	for _, v := range values {
		out = append(out, slices.Repeat([]float32{v}, n)...)
	}
	return out
}

// Dense implements nn.Tensor.
func (t *intTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	packed, err := t.Packed(th, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	return unpacked(th, packed, dtype)
}

// groupNumbers reads scales and zero points, [out, groups].
func (t *intTensor) groupNumbers(th *mlx.Thread) (scales, zeros []float32, err error) {
	stored, err := t.scales.floats(th)
	if err != nil {
		return nil, nil, err
	}
	groups := t.groups()
	scales, zeros = make([]float32, len(stored)), make([]float32, len(stored))
	for g := range groups {
		for o := range t.out {
			scales[o*groups+g] = stored[g*t.out+o]
		}
	}
	if t.qzeros == nil {
		for i := range zeros {
			zeros[i] = float32(int(1) << (t.bits - 1))
		}
		return scales, zeros, nil
	}
	data, err := t.qzeros.file.Data(t.qzeros.TensorInfo)
	if err != nil {
		return nil, nil, err
	}
	t.layout.zeros(zeros, data)
	return scales, zeros, nil
}

// floats reads a tensor of numbers into Go.
func (t *storedTensor) floats(th *mlx.Thread) ([]float32, error) {
	a, err := t.readAs(th, mlx.Float32)
	if err != nil {
		return nil, err
	}
	values, err := mlx.Values[float32](th, a)
	return values, errors.Join(err, a.Close())
}

// ints reads an I32 tensor into Go.
func (t *storedTensor) ints() ([]int, error) {
	data, err := t.file.Data(t.TensorInfo)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(data)/4)
	for i := range out {
		out[i] = int(int32(binary.LittleEndian.Uint32(data[4*i:])))
	}
	return out, nil
}
