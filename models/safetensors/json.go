package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// maxDims is far above what any framework can use.
const maxDims = 32

// scanner reads JSON token by token, since encoding/json would let the last of two equal keys win.
type scanner struct{ dec *json.Decoder }

func newScanner(raw []byte) scanner {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return scanner{dec}
}

// delim demands one of {, }, [ and ].
func (s scanner) delim(want json.Delim) error {
	tok, err := s.next()
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("found %s, want %s", show(tok), want)
	}
	return nil
}

func (s scanner) next() (json.Token, error) {
	tok, err := s.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return tok, err
}

func show(tok json.Token) string {
	switch t := tok.(type) {
	case nil:
		return "null"
	case json.Delim:
		return t.String()
	case string:
		return strconv.Quote(t)
	default:
		return fmt.Sprint(t)
	}
}

// object calls field for every key of an object; field reads the value. No key may appear twice.
func (s scanner) object(field func(key string) error) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	return s.members(field)
}

// members is object after its brace.
func (s scanner) members(field func(key string) error) error {
	seen := map[string]bool{}
	for s.dec.More() {
		tok, err := s.next()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return fmt.Errorf("found %s, want a key", show(tok))
		}
		if seen[key] {
			return fmt.Errorf("%q appears twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	return s.delim('}')
}

// str reads a string.
func (s scanner) str() (string, error) {
	tok, err := s.next()
	if err != nil {
		return "", err
	}
	v, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("found %s, want a string", show(tok))
	}
	return v, nil
}

// ints reads an array of at most limit integers between 0 and limit of int64.
func (s scanner) ints(limit int) ([]int64, error) {
	if err := s.delim('['); err != nil {
		return nil, err
	}
	out := []int64{}
	for s.dec.More() {
		tok, err := s.next()
		if err != nil {
			return nil, err
		}
		number, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("found %s, want an integer", show(tok))
		}
		v, err := strconv.ParseUint(number.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s is no integer from 0 to 2^63-1", number)
		}
		if len(out) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		out = append(out, int64(v))
	}
	return out, s.delim(']')
}

// end demands that nothing but white space follows.
func (s scanner) end() error {
	if _, err := s.dec.Token(); err != io.EOF {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// parse reads the header's object. Offsets are still those of the header, from the start of the data.
func (h *Header) parse(raw []byte) error {
	s := newScanner(raw)
	err := s.object(func(key string) error {
		if key == "__metadata__" {
			if err := h.parseMetadata(s); err != nil {
				return fmt.Errorf("__metadata__: %w", err)
			}
			return nil
		}
		t, err := parseTensor(s)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		t.Name = key
		h.Tensors = append(h.Tensors, t)
		return nil
	})
	if err != nil {
		return err
	}
	return s.end()
}

// parseMetadata reads an object of strings, or null, which MLX writes where there is none.
func (h *Header) parseMetadata(s scanner) error {
	tok, err := s.next()
	if err != nil || tok == nil {
		return err
	}
	if tok != json.Delim('{') {
		return fmt.Errorf("found %s, want an object or null", show(tok))
	}
	h.Metadata = map[string]string{}
	return s.members(func(key string) error {
		v, err := s.str()
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		h.Metadata[key] = v
		return nil
	})
}

func parseTensor(s scanner) (TensorInfo, error) {
	var t TensorInfo
	var dtype string
	var shape, offsets []int64
	err := s.object(func(key string) (err error) {
		switch key {
		case "dtype":
			dtype, err = s.str()
		case "shape":
			shape, err = s.ints(maxDims)
		case "data_offsets":
			offsets, err = s.ints(2)
		default:
			return fmt.Errorf("unknown field %q", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return t, err
	case dtype == "":
		return t, errors.New("no dtype")
	case shape == nil:
		return t, errors.New("no shape")
	case len(offsets) != 2:
		return t, fmt.Errorf("data_offsets: %d numbers, want 2", len(offsets))
	case offsets[0] > offsets[1]:
		return t, fmt.Errorf("data_offsets: end %d is before begin %d", offsets[1], offsets[0])
	}
	t.DType, t.Offset, t.Size = DType(dtype), offsets[0], offsets[1]-offsets[0]
	t.Shape = make([]int, len(shape))
	for i, d := range shape {
		if d > math.MaxInt {
			return t, fmt.Errorf("shape: dimension %d is %d", i, d)
		}
		t.Shape[i] = int(d)
	}
	size, err := t.DType.size(t.Shape)
	if err != nil {
		return t, err
	}
	if size != uint64(t.Size) {
		return t, fmt.Errorf("data_offsets hold %d bytes, shape %v of %s takes %d", t.Size, t.Shape, t.DType, size)
	}
	return t, nil
}
