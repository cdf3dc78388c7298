package conformance

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/bindings"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

//go:embed testdata/*.json.gz
var files embed.FS

// family is one file of cases.
type family struct {
	Name   string
	MLX    string      `json:"mlx"`
	Arrays []array     `json:"arrays"`
	Cases  []*recorded `json:"cases"`
}

// array is an input or a result: its elements in row order, and the views that
// the input is reached by.
type array struct {
	Dtype dtypeName           `json:"d"`
	Shape []int               `json:"s"`
	Bytes []byte              `json:"b"`
	Views [][]json.RawMessage `json:"v"`
}

// recorded is one call, with the arguments of the Scope's method. An array among
// them is its place in the file's list.
type recorded struct {
	Op      string            `json:"op"`
	In      []json.RawMessage `json:"in"`
	Out     []int             `json:"out"`
	Err     string            `json:"err"`
	Compare compareBy         `json:"compare"`
}

// compareBy says how results are compared: all in one way, or each in its own.
type compareBy []string

func (c *compareBy) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*c = compareBy{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(c))
}

// of returns the way for result i.
func (c compareBy) of(i int) string {
	switch {
	case len(c) == 0:
		return ""
	case len(c) == 1:
		return c[0]
	}
	return c[i]
}

// dtypeName is a dtype by MLX's name.
type dtypeName mlx.Dtype

func (d *dtypeName) UnmarshalText(text []byte) error {
	for v := mlx.Bool; v <= mlx.Complex64; v++ {
		if v.String() == string(text) {
			*d = dtypeName(v)
			return nil
		}
	}
	return fmt.Errorf("no dtype %q", text)
}

// load reads the families in the order of their names.
func load(t *testing.T) []*family {
	t.Helper()
	entries, err := files.ReadDir("testdata")
	require.NoError(t, err)
	var all []*family
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("testdata", e.Name()))
		require.NoError(t, err)
		plain, err := gzip.NewReader(bytes.NewReader(text))
		require.NoError(t, err)
		f := &family{Name: strings.TrimSuffix(e.Name(), ".json.gz")}
		require.NoError(t, json.NewDecoder(plain).Decode(f), e.Name())
		require.Equal(t, bindings.MLXVersion, f.MLX, "run testdata/reference/dump.py with the pinned MLX")
		all = append(all, f)
	}
	require.NotEmpty(t, all)
	return all
}

// text describes a call in a line.
func (c *recorded) text(f *family) string {
	var args []string
	for _, raw := range c.In {
		args = append(args, string(raw))
	}
	s := fmt.Sprintf("%s(%s)", c.Op, strings.Join(args, ", "))
	for i, at := range c.arrays() {
		if i < 3 {
			a := f.Arrays[at]
			s += fmt.Sprintf(" #%d=%v%v", at, mlx.Dtype(a.Dtype), a.Shape)
			if len(a.Views) > 0 {
				s += " viewed"
			}
		}
	}
	return s
}

// arrays lists the arguments that are arrays, by the types of the method.
func (c *recorded) arrays() (at []int) {
	params := parameters(c.Op)
	for i, raw := range c.In {
		var one *int
		var many []int
		switch {
		case params[i] == arrayType && json.Unmarshal(raw, &one) == nil && one != nil:
			at = append(at, *one)
		case params[i] == arraysType && json.Unmarshal(raw, &many) == nil:
			at = append(at, many...)
		}
	}
	return at
}
