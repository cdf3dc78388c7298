package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
)

// pathError is an error at one place of a tokenizer.json.
type pathError struct{ path, msg string }

func (e *pathError) Error() string {
	if path := strings.TrimPrefix(e.path, "."); path != "" {
		return path + ": " + e.msg
	}
	return e.msg
}

// node is a JSON value held as a tree: the small parts of a tokenizer.json, everything but vocabulary and merges.
type node struct {
	path   string
	kind   byte // '{' '[' '"' '0' (number) 't' 'f' 'n'
	text   string
	keys   []string
	values []node
}

// node reads the next value whole.
func (r *jsonReader) node() node {
	n := node{path: strings.Join(r.path, "")}
	switch c := r.peek(); c {
	case '{':
		n.kind = c
		seen := make(map[string]bool)
		r.object(func(key string) {
			if seen[key] {
				r.fail("given twice")
			}
			seen[key] = true
			n.keys, n.values = append(n.keys, key), append(n.values, r.node())
		})
	case '[':
		n.kind = c
		r.array(func(int) { n.values = append(n.values, r.node()) })
	case '"':
		n.kind, n.text = c, r.string()
	case 't', 'f', 'n':
		n.kind, n.text = c, r.word()
	default:
		n.kind, n.text = '0', r.number()
	}
	return n
}

func (n *node) isNull() bool { return n.kind == 'n' || n.kind == 0 }

func (n *node) errorf(format string, args ...any) error {
	return &pathError{path: n.path, msg: fmt.Sprintf(format, args...)}
}

// describe says what a value is, for error messages.
func (n *node) describe() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return strconv.Quote(n.text)
	case 0:
		return "nothing"
	}
	return n.text
}

// fields reads the members of one object strictly: a missing member, one of the wrong type, and one that nobody
// asked for are errors. The first error stays; close returns it.
type fields struct {
	node  *node
	asked map[string]bool
	err   error
}

// fields starts reading n, which must be an object.
func (n *node) fields() *fields {
	f := &fields{node: n, asked: make(map[string]bool)}
	if n.kind != '{' {
		f.err = n.errorf("want an object, have %s", n.describe())
	}
	return f
}

// close returns the first error, or an error naming a member that was never asked for.
func (f *fields) close() error {
	if f.err != nil {
		return f.err
	}
	for i, key := range f.node.keys {
		if !f.asked[key] {
			return f.node.values[i].errorf("unknown option")
		}
	}
	return nil
}

// get returns the member key, nil if it is absent or null.
func (f *fields) get(key string) *node {
	f.asked[key] = true
	if f.err != nil {
		return nil
	}
	for i, k := range f.node.keys {
		if k == key && !f.node.values[i].isNull() {
			return &f.node.values[i]
		}
	}
	return nil
}

// need is get for a member that must be there.
func (f *fields) need(key string) *node {
	n := f.get(key)
	if n == nil {
		f.fail(&pathError{path: f.node.path + "." + key, msg: "missing"})
		return &node{}
	}
	return n
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) wrong(n *node, want string) {
	f.fail(n.errorf("want %s, have %s", want, n.describe()))
}

// string returns the string member key.
func (f *fields) string(key string) string {
	n := f.need(key)
	if n.kind != '"' {
		f.wrong(n, "a string")
	}
	return n.text
}

// stringOr returns the string member key, or def if it is absent or null.
func (f *fields) stringOr(key, def string) string {
	if f.get(key) == nil {
		return def
	}
	return f.string(key)
}

// bool returns the boolean member key.
func (f *fields) bool(key string) bool {
	n := f.need(key)
	if n.kind != 't' && n.kind != 'f' {
		f.wrong(n, "true or false")
	}
	return n.kind == 't'
}

// boolOr returns the boolean member key, or def if it is absent or null.
func (f *fields) boolOr(key string, def bool) bool {
	if f.get(key) == nil {
		return def
	}
	return f.bool(key)
}

// int returns the member key, a whole number from 0 to 2147483647.
func (f *fields) int(key string) int {
	n := f.need(key)
	if n.kind != '0' {
		f.wrong(n, "a number")
		return 0
	}
	v, err := strconv.ParseInt(n.text, 10, 32)
	if err != nil || v < 0 {
		f.wrong(n, "a whole number from 0 to 2147483647")
	}
	return int(v)
}

// intOr returns the member key as int does, or def if it is absent or null.
func (f *fields) intOr(key string, def int) int {
	if f.get(key) == nil {
		return def
	}
	return f.int(key)
}

// id returns the token id member key.
func (f *fields) id(key string) int32 { return int32(f.int(key)) }

// list returns the elements of the array member key.
func (f *fields) list(key string) []node {
	n := f.need(key)
	if n.kind != '[' {
		f.wrong(n, "an array")
		return nil
	}
	return n.values
}
