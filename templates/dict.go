package templates

import (
	"fmt"
	"iter"
	"math"
	"math/big"
	"strconv"
)

// Dict is a mapping that keeps the order in which its keys were set, as
// Python's dict does. Keys are strings, numbers, booleans, None or tuples of
// them; 1, 1.0 and True are the same key. A Dict that was handed to a
// rendering must not be changed until it ends.
type Dict struct {
	keys, vals []Value
	index      map[string]int // by hash; built once there are more than smallDict keys
}

// smallDict is the size up to which a linear search beats a map.
const smallDict = 8

// NewDict returns an empty mapping.
func NewDict() *Dict { return &Dict{} }

func (*Dict) typeName() string { return "dict" }

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Set stores the Go value v under the string key. Values convert as ValueOf
// does; a value that cannot be converted is an error and changes nothing.
func (d *Dict) Set(key string, v any) error {
	val, err := ValueOf(v)
	if err != nil {
		return err
	}
	d.setStr(key, val)
	return nil
}

// Get returns the value under a string key.
func (d *Dict) Get(key string) (Value, bool) {
	v := d.getStr(key)
	return v, v != nil
}

// All ranges over the keys and values in order.
func (d *Dict) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for i, k := range d.keys {
			if !yield(k, d.vals[i]) {
				return
			}
		}
	}
}

// getStr returns the value under key, or nil.
func (d *Dict) getStr(key string) Value {
	if i := d.find(str(key), key, true); i >= 0 {
		return d.vals[i]
	}
	return nil
}

func (d *Dict) setStr(key string, v Value) {
	d.put(str(key), key, true, v)
}

// get returns the value under k, or nil; an unhashable key is an error.
func (d *Dict) get(k Value) (Value, error) {
	h, text, err := hashKey(k, 0)
	if err != nil {
		return nil, err
	}
	if i := d.find(k, h, text); i >= 0 {
		return d.vals[i], nil
	}
	return nil, nil
}

func (d *Dict) set(k, v Value) error {
	h, text, err := hashKey(k, 0)
	if err != nil {
		return err
	}
	d.put(k, h, text, v)
	return nil
}

func (d *Dict) find(k Value, h string, text bool) int {
	if d.index != nil {
		if i, ok := d.index[indexKey(h, text)]; ok {
			return i
		}
		return -1
	}
	for i, have := range d.keys {
		if s, ok := asText(have); ok {
			if text && s == h {
				return i
			}
			continue
		}
		if text {
			continue
		}
		if hh, _, err := hashKey(have, 0); err == nil && hh == h {
			return i
		}
	}
	return -1
}

func (d *Dict) put(k Value, h string, text bool, v Value) {
	if i := d.find(k, h, text); i >= 0 {
		d.vals[i] = v
		return
	}
	d.keys = append(d.keys, k)
	d.vals = append(d.vals, v)
	if d.index != nil {
		d.index[indexKey(h, text)] = len(d.keys) - 1
	} else if len(d.keys) > smallDict {
		d.index = make(map[string]int, 2*len(d.keys))
		for i, k := range d.keys {
			h, text, _ := hashKey(k, 0) // every stored key was hashed before
			d.index[indexKey(h, text)] = i
		}
	}
}

// clone returns a copy that can be extended independently.
func (d *Dict) clone() *Dict {
	c := &Dict{keys: append([]Value(nil), d.keys...), vals: append([]Value(nil), d.vals...)}
	if len(c.keys) > smallDict {
		c.index = make(map[string]int, len(d.index)+1)
		for h, i := range d.index {
			c.index[h] = i
		}
	}
	return c
}

func indexKey(h string, text bool) string {
	if text {
		return h
	}
	return "\xff" + h // no UTF-8 string begins with 0xff
}

// hashKey returns a string that equal keys share; text tells that it is the
// key itself, a string.
func hashKey(k Value, depth int) (h string, text bool, err error) {
	switch x := k.(type) {
	case str:
		return string(x), true, nil
	case markup:
		return string(x), true, nil
	case noneType:
		return "n", false, nil
	case boolean, integer:
		n, _ := asInt(k)
		return strconv.FormatInt(n, 10), false, nil
	case *bigint:
		return x.v.String(), false, nil
	case float:
		f := float64(x)
		if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return strconv.FormatInt(int64(f), 10), false, nil
		}
		if f == math.Trunc(f) && !math.IsInf(f, 0) {
			n, _ := big.NewFloat(f).Int(nil)
			return n.String(), false, nil
		}
		return "f" + strconv.FormatFloat(f, 'g', -1, 64), false, nil
	case *tuple:
		return hashTuple(x, depth)
	case *undefined:
		return "u", false, nil
	case *rangeVal:
		return "r" + x.String(), false, nil
	case *builtin, *macro, *namespace, *iterator, *cycler, *joiner, *loopContext:
		return fmt.Sprintf("p%p", x), false, nil
	}
	return "", false, errf("unhashable type: '%s'", k.typeName())
}

func hashTuple(t *tuple, depth int) (string, bool, error) {
	if depth > maxNesting {
		return "", false, limitf("key nested too deeply")
	}
	h := []byte("t")
	for _, item := range t.items {
		s, text, err := hashKey(item, depth+1)
		if err != nil {
			return "", false, err
		}
		if len(h)+len(s) > maxHash {
			return "", false, limitf("key too large")
		}
		h = strconv.AppendInt(h, int64(len(s)), 10)
		if text {
			h = append(h, 's')
		} else {
			h = append(h, 'v')
		}
		h = append(h, s...)
	}
	return string(h), false, nil
}

const (
	maxNesting = 900     // nested containers that printing, comparing and hashing follow
	maxHash    = 1 << 20 // bytes of one hashed key
)

// dictView is what keys(), values() and items() return: a live view.
type dictView struct {
	d    *Dict
	part viewPart
}

type viewPart uint8

const (
	viewKeys viewPart = iota
	viewValues
	viewItems
)

func (v *dictView) typeName() string {
	return [...]string{"dict_keys", "dict_values", "dict_items"}[v.part]
}

func (v *dictView) item(i int) Value {
	switch v.part {
	case viewKeys:
		return v.d.keys[i]
	case viewValues:
		return v.d.vals[i]
	}
	return &tuple{items: []Value{v.d.keys[i], v.d.vals[i]}}
}
