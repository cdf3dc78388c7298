package bindings_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// value is an array in testdata/ops.json, which ops.py wrote with Python's MLX.
type value struct {
	Dtype string   `json:"dtype"`
	Shape []int32  `json:"shape"`
	Data  []number `json:"data"`
}

// number is a JSON number, or a string where JSON has none.
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	if s, err := strconv.Unquote(string(text)); err == nil {
		text = []byte(s)
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*n = number(v)
	return err
}

type references struct {
	MLX     string             `json:"mlx"`
	Inputs  map[string]value   `json:"inputs"`
	Outputs map[string][]value `json:"outputs"`
}

func loadReferences(t testing.TB) (r references) {
	t.Helper()
	text, err := os.ReadFile("testdata/ops.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, bindings.MLXVersion, r.MLX, "run testdata/ops.py with the pinned MLX")
	return r
}

// upload makes an array of a reference value.
func (k kit) upload(v value) array {
	k.Helper()
	f32 := make([]float32, len(v.Data))
	i32 := make([]int32, len(v.Data))
	u32 := make([]uint32, len(v.Data))
	bits := make([]bool, len(v.Data))
	for i, n := range v.Data {
		f32[i], i32[i], u32[i], bits[i] = float32(n), int32(n), uint32(n), n != 0
	}
	var data unsafe.Pointer
	dtype := bindings.Float32
	switch v.Dtype {
	case "float32":
		data = unsafe.Pointer(unsafe.SliceData(f32))
	case "complex64": // pairs of floats
		data, dtype = unsafe.Pointer(unsafe.SliceData(f32)), bindings.Complex64
	case "int32":
		data, dtype = unsafe.Pointer(unsafe.SliceData(i32)), bindings.Int32
	case "uint32":
		data, dtype = unsafe.Pointer(unsafe.SliceData(u32)), bindings.Uint32
	case "bool":
		data, dtype = unsafe.Pointer(unsafe.SliceData(bits)), bindings.Bool
	default:
		k.Fatalf("no input is of dtype %s", v.Dtype)
	}
	return k.array(bindings.NewArrayData(data, v.Shape, dtype))
}

// elements evaluates a and returns its elements in row order; complex ones as
// two.
func (k kit) elements(a array) []float64 {
	k.Helper()
	a = k.array(bindings.Contiguous(a, false, k.s))
	require.NoError(k, a.Eval())
	dtype, err := a.Dtype()
	require.NoError(k, err)
	var out []float64
	switch dtype {
	case bindings.Bool:
		v, err := a.DataBool()
		require.NoError(k, err)
		for _, b := range v {
			out = append(out, map[bool]float64{true: 1}[b])
		}
	case bindings.Uint8:
		out = widen(k, a.DataUint8)
	case bindings.Uint32:
		out = widen(k, a.DataUint32)
	case bindings.Int32:
		out = widen(k, a.DataInt32)
	case bindings.Float32:
		out = widen(k, a.DataFloat32)
	case bindings.Complex64:
		v, err := a.DataComplex64()
		require.NoError(k, err)
		for _, c := range v {
			out = append(out, float64(real(c)), float64(imag(c)))
		}
	default:
		k.Fatalf("no result is of dtype %s", dtype)
	}
	return out
}

func widen[T uint8 | uint32 | int32 | float32](k kit, read func() ([]T, error)) []float64 {
	k.Helper()
	v, err := read()
	require.NoError(k, err)
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	return out
}

// same requires dtype, shape and elements of the reference.
func (k kit) same(want value, got array, what string) {
	k.Helper()
	dtype, err := got.Dtype()
	require.NoError(k, err)
	require.Equal(k, want.Dtype, dtype.String(), what)
	require.Equal(k, append([]int32{}, want.Shape...), k.shape(got), what)
	elements := k.elements(got)
	require.Len(k, elements, len(want.Data), what)
	for i, w := range want.Data {
		require.True(k, near(float64(w), elements[i]), "%s[%d]: wanted %v, got %v", what, i, w, elements[i])
	}
}

// near allows what another BLAS or vector width makes of a sum in float32.
func near(want, got float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(want) == math.IsNaN(got) && (math.IsNaN(want) || want == got)
	}
	return math.Abs(want-got) <= 2e-5*math.Abs(want)+2e-6
}

// refs are the inputs of ops.py by its names.
type refs struct {
	kit
	x, y, p, v, u, q, t, i, j, k, b, c, z, n, w, h             array
	img, ker, vol, vker, seq, sker, key, heads, big, rows, new array
	inputs                                                     map[string]value
}

func (r references) upload(k kit) refs {
	k.Helper()
	in := refs{kit: k, inputs: r.Inputs}
	for name, to := range map[string]*array{
		"x": &in.x, "y": &in.y, "p": &in.p, "v": &in.v, "u": &in.u, "q": &in.q, "t": &in.t, "i": &in.i, "j": &in.j,
		"k": &in.k, "b": &in.b, "c": &in.c, "z": &in.z, "n": &in.n, "w": &in.w, "h": &in.h, "img": &in.img,
		"ker": &in.ker, "vol": &in.vol, "vker": &in.vker, "seq": &in.seq, "sker": &in.sker, "key": &in.key,
		"heads": &in.heads, "big": &in.big, "rows": &in.rows, "new": &in.new,
	} {
		*to = k.upload(r.Inputs[name])
	}
	return in
}

// op calls one operation on the inputs; its results are closed by the test.
type op func(r refs) ([]array, error)

func one(a array, err error) ([]array, error) { return []array{a}, err }

func two(a, b array, err error) ([]array, error) { return []array{a, b}, err }

// ops are the operations by their names in ops.json.
type ops map[string]op

// compare requires of every operation what Python gave.
func (table ops) compare(t *testing.T) {
	refs := loadReferences(t)
	for name, call := range table {
		t.Run(name, func(t *testing.T) {
			k := begin(t)
			want := refs.Outputs[name]
			require.NotEmpty(t, want, "ops.py has no %s", name)
			got := k.list(call(refs.upload(k)))
			require.Len(t, got, len(want))
			for i := range want {
				k.same(want[i], got[i], fmt.Sprintf("%s output %d", name, i))
			}
		})
	}
}
