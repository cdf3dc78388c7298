package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ggufFileTypes are llama.cpp's numbers of files whose weights are mostly of a type
// (llama_ftype), by the types that can be written.
var ggufFileTypes = map[gguf.Type]uint32{
	gguf.TypeF32: 0, gguf.TypeF16: 1, gguf.TypeQ4_0: 2, gguf.TypeQ4_1: 3, gguf.TypeQ8_0: 7, gguf.TypeBF16: 32,
}

// GGUFAuto is the type of numbers that the model computes in: BF16, F16 or F32.
const GGUFAuto gguf.Type = math.MaxUint32

var ggufFloats = map[mlx.Dtype]gguf.Type{mlx.Float32: gguf.TypeF32, mlx.Float16: gguf.TypeF16, mlx.BFloat16: gguf.TypeBF16}

// GGUF converts the Hugging Face folder, or the GGUF file, from into the GGUF file
// to, whose matrices are of the type: F32, F16, BF16, Q8_0, Q4_1, Q4_0, or
// GGUFAuto. As in
// llama.cpp's files norms, biases and routers are F32, and rows that are no whole
// blocks F16; in files of four bits the output, or the embedding where that is the
// output too, is Q8_0 unless it has four bits already. Packed weights whose groups a
// block can hold keep their numbers. A file that has the name is replaced when the
// new one is on the disk. Where the model comes from is told as llama.cpp's converter
// tells it: from its card, its names and its sizes. Of the options On, Progress and
// BaseModel, a name that goes before the others, count.
func GGUF(ctx context.Context, from, to string, typ gguf.Type, opts ...Option) (*Result, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	r, err := s.gguf(ctx, from, to, typ)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return r, nil
}

func (s *settings) gguf(ctx context.Context, from, to string, typ gguf.Type) (r *Result, err error) {
	_, ok := ggufFileTypes[typ]
	switch {
	case !ok && typ != GGUFAuto:
		return nil, fmt.Errorf("type %s is none of %v", typ, quant.Quantizable())
	case s.quantise || s.dequantise || s.dtype != nil:
		return nil, errors.New("a GGUF file has a type of its own, instead of quantize, dequantize and dtype")
	}
	ck, err := models.OpenCheckpoint(from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ck.Close()) }()
	if typ == GGUFAuto {
		typ = ggufFloats[ck.Dtype]
	}
	file, err := ck.GGUF()
	if err != nil {
		return nil, err
	}
	tensors := map[string]models.GGUFTensor{}
	infos := ggufTensors(file, typ, tensors)
	origin, err := s.origin(from, infos)
	if err != nil {
		return nil, err
	}
	version, _ := gguf.NewValue(uint32(2))
	kind, _ := gguf.NewValue(ggufFileTypes[typ])
	pairs := slices.Concat(file.Metadata, origin,
		[]gguf.Pair{{Key: "general.quantization_version", Value: version}, {Key: "general.file_type", Value: kind}})
	layout, err := gguf.NewLayout(pairs, infos)
	if err != nil {
		return nil, err
	}
	r = &Result{Shards: 1}
	for _, info := range layout.Tensors {
		r.Parameters += int64(info.Elements())
		r.Bytes += info.Size
	}
	if err := room(to); err != nil {
		return nil, err
	}
	return r, atomicfile.Write(to, func(w io.Writer) error { return s.ggufWrite(ctx, w, layout, tensors) })
}

// ggufWrite writes the file, a tensor after the other.
func (s *settings) ggufWrite(ctx context.Context, w io.Writer, layout *gguf.Layout, tensors map[string]models.GGUFTensor) error {
	done := 0
	err := layout.Write(w, func(w io.Writer, info gguf.TensorInfo) error {
		s.progress(done, len(layout.Tensors), info.Name)
		done++
		return s.ggufTensor(ctx, w, info, tensors[info.Name])
	})
	if err == nil {
		s.progress(done, done, "")
	}
	return err
}

// ggufTensors describes the tensors, which it lists by name.
func ggufTensors(file *models.GGUF, typ gguf.Type, byName map[string]models.GGUFTensor) []gguf.TensorInfo {
	output := "token_embd.weight"
	if slices.ContainsFunc(file.Tensors, func(t models.GGUFTensor) bool { return t.Name == "output.weight" }) {
		output = "output.weight"
	}
	var infos []gguf.TensorInfo
	for _, t := range file.Tensors {
		byName[t.Name] = t
		infos = append(infos, gguf.TensorInfo{Name: t.Name, Shape: t.Shape(), Type: ggufType(t, typ, t.Name == output)})
	}
	return infos
}

// ggufType is how a tensor is stored in a file of the type.
func ggufType(t models.GGUFTensor, typ gguf.Type, output bool) gguf.Type {
	var q nn.Quantisation
	if packed, ok := t.Tensor.(nn.Quantised); ok {
		q = packed.Quantisation()
	}
	shape := t.Shape()
	switch {
	case t.Whole:
		return gguf.TypeF32
	case typ.BlockSize() == 1:
		return typ
	case q.Mode == "mxfp4":
		return gguf.TypeMXFP4
	case shape[len(shape)-1]%typ.BlockSize() != 0:
		return gguf.TypeF16
	case output && q.Bits != 4:
		return gguf.TypeQ8_0
	}
	return typ
}
