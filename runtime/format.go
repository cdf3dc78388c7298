package runtime

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	defaultThreshold = 1000 // elements that are printed in full
	edgeItems        = 3    // of each end, where they are not
	lineWidth        = 75
)

// FormatOption changes how Format writes an array.
type FormatOption func(*formatter)

// WithThreshold sets up to how many elements an array is written in full, 1000
// without it. With 0 Format writes what Python's str(mx.array) does: every
// dimension of more than six is shortened.
func WithThreshold(elements int) FormatOption {
	return func(f *formatter) { f.threshold = elements }
}

// Format evaluates a and writes it as NumPy does, with numbers as MLX writes them
// (six digits):
//
//	array([[1, 2],
//	       [3, 4]], dtype=float32)
//
// Of more than 1000 elements it shows three at each end of every dimension, with
// "..." between, and reads no others.
func Format(t *Thread, a Array, opts ...FormatOption) (string, error) {
	e, err := t.live()
	if err != nil {
		return "", err
	}
	f := &formatter{threshold: defaultThreshold}
	for _, o := range opts {
		o(f)
	}
	text, err := f.format(t, e, a)
	if err != nil {
		return "", newError("format", err)
	}
	return text, nil
}

// formatter lays out the texts of elements.
type formatter struct {
	threshold int
	shape     []int  // of what is written
	cut       []bool // the dimensions with "..." in the middle
	texts     []string
	b         strings.Builder
	line      int // where the line began
}

func (f *formatter) format(t *Thread, e *engine, a Array) (string, error) {
	if a.IsNull() {
		return "", errNull
	}
	if err := a.Eval(); err != nil {
		return "", err
	}
	dtype, err := a.Dtype()
	if err != nil {
		return "", err
	}
	shown, err := f.shorten(t, a)
	if err != nil {
		return "", err
	}
	defer shown.Close()
	elements, err := contiguous(e, shown, dtype)
	if err != nil {
		return "", err
	}
	f.texts = texts(elements)
	f.b.WriteString("array(")
	if len(f.shape) == 0 {
		f.b.WriteString(f.texts[0])
	} else {
		f.write(0)
	}
	fmt.Fprintf(&f.b, ", dtype=%v)", dtype)
	return f.b.String(), nil
}

// shorten returns a handle on what is written of a, and sets shape and cut.
func (f *formatter) shorten(t *Thread, a Array) (Array, error) {
	dims, err := a.Shape()
	if err != nil {
		return Array{}, err
	}
	size := 1
	for _, d := range dims {
		size *= int(d)
	}
	f.shape, f.cut = make([]int, len(dims)), make([]bool, len(dims))
	for i, d := range dims {
		f.cut[i] = size > f.threshold && d > 2*edgeItems
		f.shape[i] = int(d)
	}
	return t.Build(func(s *Scope) Array {
		x := a
		for i, cut := range f.cut {
			if cut {
				n := int32(f.shape[i])
				x = s.TakeAxis(x, Const(s, []int32{0, 1, 2, n - 3, n - 2, n - 1}), i)
				f.shape[i] = 2 * edgeItems
			}
		}
		return x
	})
}

// write writes the next block of dimension dim and all below it.
func (f *formatter) write(dim int) {
	f.b.WriteByte('[')
	indent := strings.Repeat(" ", 7+dim)
	last := dim == len(f.shape)-1
	for i := range f.shape[dim] {
		if f.cut[dim] && i == edgeItems {
			f.separate(last, i, dim, "...", indent)
			f.b.WriteString("...")
		}
		if last {
			f.separate(last, i, dim, f.texts[0], indent)
			f.b.WriteString(f.texts[0])
			f.texts = f.texts[1:]
		} else {
			f.separate(last, i, dim, "", indent)
			f.write(dim + 1)
		}
	}
	f.b.WriteByte(']')
}

// separate ends what stands before element i of a dimension. A row that is longer
// than a shortened one is wrapped.
func (f *formatter) separate(last bool, i, dim int, text, indent string) {
	switch {
	case i == 0:
	case !last:
		f.newline(",\n" + indent)
	case f.shape[dim] > 2*edgeItems && f.b.Len()-f.line+len(", ,")+len(text) > lineWidth:
		f.newline(",\n" + indent)
	default:
		f.b.WriteString(", ")
	}
}

func (f *formatter) newline(text string) {
	f.line = f.b.Len() + len(",\n")
	f.b.WriteString(text)
}

// texts writes elements, a slice of any element type.
func texts(elements any) []string {
	switch v := elements.(type) {
	case []bool:
		return mapped(v, func(b bool) string { return map[bool]string{false: "False", true: "True"}[b] })
	case []F16:
		return mapped(v, func(h F16) string { return number6(h.Float64()) })
	case []BF16:
		return mapped(v, func(h BF16) string { return number6(h.Float64()) })
	case []float32:
		return mapped(v, func(f float32) string { return number6(float64(f)) })
	case []float64:
		return mapped(v, number6)
	case []complex64:
		return mapped(v, complexText)
	}
	return strings.Fields(strings.Trim(fmt.Sprint(elements), "[]")) // integers
}

func mapped[T, U any](v []T, f func(T) U) []U {
	out := make([]U, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

// number6 writes a number as C++ streams do.
func number6(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', 6, 64), "+"))
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func complexText(c complex64) string {
	im := number6(float64(imag(c)))
	if !strings.HasPrefix(im, "-") {
		im = "+" + im
	}
	return number6(float64(real(c))) + im + "j"
}
