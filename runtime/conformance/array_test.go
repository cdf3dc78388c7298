package conformance

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"forge.lthn.ai/core/go-mlx/bindings"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// open makes an input in a Scope, as the views that it is reached by.
func (a array) open(th *mlx.Thread, s *mlx.Scope) (mlx.Array, error) {
	out := s.Own(mlx.FromBytes(th, mlx.Dtype(a.Dtype), a.Bytes, a.Shape...))
	for _, view := range a.Views {
		var method string
		if err := decodeInto(view[0], &method); err != nil {
			return out, err
		}
		params := parameters(method)
		args := []reflect.Value{reflect.ValueOf(out)}
		for i, raw := range view[1:] {
			v, err := decoder{}.one(raw, params[i+1])
			if err != nil {
				return out, err
			}
			args = append(args, v)
		}
		out = call(s, method, args)[0]
	}
	return out, s.Err()
}

// readers copy an array's elements by dtype.
var readers = map[mlx.Dtype]func(*mlx.Thread, mlx.Array) ([]byte, error){
	mlx.Bool: elementBytes[bool], mlx.Uint8: elementBytes[uint8], mlx.Uint16: elementBytes[uint16],
	mlx.Uint32: elementBytes[uint32], mlx.Uint64: elementBytes[uint64], mlx.Int8: elementBytes[int8],
	mlx.Int16: elementBytes[int16], mlx.Int32: elementBytes[int32], mlx.Int64: elementBytes[int64],
	mlx.Float16: elementBytes[mlx.F16], mlx.BFloat16: elementBytes[mlx.BF16], mlx.Float32: elementBytes[float32],
	mlx.Float64: elementBytes[float64], mlx.Complex64: elementBytes[complex64],
}

func elementBytes[T mlx.Element](th *mlx.Thread, a mlx.Array) ([]byte, error) {
	v, err := mlx.Values[T](th, a)
	if err != nil {
		return nil, err
	}
	return binary.Append(nil, binary.LittleEndian, v)
}

// read evaluates an array.
func read(th *mlx.Thread, a mlx.Array) (out array, err error) {
	dtype, err := a.Dtype()
	if err != nil {
		return out, err
	}
	shape, err := a.Shape()
	if err != nil {
		return out, err
	}
	out.Dtype, out.Shape = dtypeName(dtype), make([]int, len(shape))
	for i, d := range shape {
		out.Shape[i] = int(d)
	}
	out.Bytes, err = readers[dtype](th, a)
	return out, err
}

// run replays a call and reads its results. Inputs that are not kept are free when
// MLX computes, which may then write results over them.
func (c *recorded) run(th *mlx.Thread, f *family, keep bool) (out []array, err error) {
	err = withGroup(th, c.Op, func(g *mlx.Group) error {
		out, err = c.runIn(th, f, keep, g)
		return err
	})
	return out, err
}

func (c *recorded) runIn(th *mlx.Thread, f *family, keep bool, g *mlx.Group) ([]array, error) {
	n := 0
	results, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		var inputs []mlx.Array
		d := decoder{g, func(i int) (mlx.Array, error) {
			a, err := f.Arrays[i].open(th, s)
			inputs = append(inputs, a)
			return a, err
		}}
		args, err := d.all(c.Op, c.In)
		if err != nil {
			s.Fail(fmt.Errorf("conformance: %w", err))
			return nil
		}
		out := call(s, c.Op, args)
		n = len(out)
		if keep && s.Err() == nil {
			out = append(out, inputs...)
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = bindings.CloseAll(results) }()
	return readAll(th, results[:n])
}

func readAll(th *mlx.Thread, results []mlx.Array) ([]array, error) {
	if err := th.Eval(results...); err != nil {
		return nil, err
	}
	out := make([]array, len(results))
	var err error
	for i, a := range results {
		if out[i], err = read(th, a); err != nil {
			return nil, err
		}
	}
	return out, nil
}
