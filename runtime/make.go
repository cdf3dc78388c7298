package runtime

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// FromReader makes an array of the next bytes of r: the elements of dtype in
// row-major order, little-endian, as many as the shape has. It reads these bytes
// and no more; fewer are an error. Memory grows with what arrives, so that a
// shape that promises too much costs nothing.
func FromReader(t *Thread, r io.Reader, dtype Dtype, shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	a, err := readArray(r, dtype, shape)
	if err != nil {
		return Array{}, newError("from_reader", err)
	}
	return a, nil
}

// readArray makes an array of the next bytes of r.
func readArray(r io.Reader, dtype Dtype, shape []int) (Array, error) {
	dims, n, err := elementsOf(shape)
	if err != nil {
		return Array{}, err
	}
	size, err := bindings.DtypeSize(dtype)
	if err != nil {
		return Array{}, err
	}
	if uint64(n) > maxBytes/size {
		return Array{}, fmt.Errorf("%d elements of %v are more bytes than memory has addresses", n, dtype)
	}
	data, err := readExactly(r, n*int(size))
	if err != nil {
		return Array{}, err
	}
	return arrayOfBytes(data, dims, dtype)
}

// maxBytes bounds the size of an array.
const maxBytes = 1<<63 - 1

// arrayOfBytes copies raw elements from outside into an array.
func arrayOfBytes(data []byte, dims []int32, dtype Dtype) (Array, error) {
	if dtype == Bool {
		if i := slices.IndexFunc(data, func(b byte) bool { return b > 1 }); i >= 0 {
			return Array{}, fmt.Errorf("element %d is %d, no bool", i, data[i])
		}
	}
	return bindings.NewArrayData(bytesOf(data), dims, dtype)
}

// firstRead is how much is allocated before anything has arrived.
const firstRead = 1 << 20

// readExactly reads n bytes. What it allocates is at most twice what has arrived.
func readExactly(r io.Reader, n int) ([]byte, error) {
	data := make([]byte, 0, min(n, firstRead))
	for len(data) < n {
		if len(data) == cap(data) {
			data = slices.Grow(data, min(len(data), n-len(data)))
		}
		got, err := io.ReadFull(r, data[len(data):min(cap(data), n)])
		data = data[:len(data)+got]
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("the data ends after %d of %d bytes: %w", len(data), n, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, fmt.Errorf("after %d of %d bytes: %w", len(data), n, err)
		}
	}
	return data, nil
}

// FromSeq makes an array of the elements that seq yields. Without a shape it has
// one dimension; with one, the sequence must have as many elements, and no more
// than one beyond is asked for.
func FromSeq[T Element](t *Thread, seq iter.Seq[T], shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	limit := -1
	if shape != nil {
		_, n, err := elementsOf(shape)
		if err != nil {
			return Array{}, newError("from_seq", err)
		}
		limit = n
	}
	data, err := collect(seq, limit)
	if err == nil {
		var a Array
		if a, err = newArray(data, shape); err == nil {
			return a, nil
		}
	}
	return Array{}, newError("from_seq", err)
}

// collect takes limit elements, or all where it is negative.
func collect[T any](seq iter.Seq[T], limit int) ([]T, error) {
	var data []T
	for v := range seq {
		if len(data) == limit {
			return nil, fmt.Errorf("the shape has %d elements, the sequence more", limit)
		}
		data = append(data, v)
	}
	return data, nil
}
