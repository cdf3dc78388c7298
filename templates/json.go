package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// ParseJSON decodes one JSON document with the order of its keys kept.
// Numbers without fraction or exponent become integers of any size, others
// floats. Of duplicate keys the last wins, at the place of the first.
func ParseJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeJSON(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("templates: JSON at byte %d: %w", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("templates: JSON at byte %d: data after the document", dec.InputOffset())
	}
	return v, nil
}

func decodeJSON(dec *json.Decoder, depth int) (Value, error) {
	if depth > maxNesting {
		return nil, limitf("nested more than %d levels deep", maxNesting)
	}
	tok, err := dec.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := tok.(type) {
	case nil:
		return none, nil
	case bool:
		return boolVal(t), nil
	case string:
		return str(t), nil
	case json.Number:
		return jsonNumber(string(t))
	case json.Delim:
		if t == '[' {
			return decodeArray(dec, depth)
		}
		return decodeObject(dec, depth)
	}
	return nil, errf("unexpected token %v", tok)
}

func decodeArray(dec *json.Decoder, depth int) (Value, error) {
	l := &list{items: []Value{}}
	for dec.More() {
		v, err := decodeJSON(dec, depth+1)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, v)
	}
	_, err := dec.Token()
	return l, err
}

func decodeObject(dec *json.Decoder, depth int) (Value, error) {
	d := NewDict()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeJSON(dec, depth+1)
		if err != nil {
			return nil, err
		}
		d.setStr(key.(string), v) // the decoder lets only strings through
	}
	_, err := dec.Token()
	return d, err
}

func jsonNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, _ := strconv.ParseFloat(s, 64) // out of range is inf, as in Python
		return float(f), nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return integer(n), nil
	}
	if len(s) > maxDigits {
		return nil, errf("integer of more than %d digits", maxDigits)
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, errf("malformed number %s", quote(s))
	}
	return bigVal(n), nil
}
