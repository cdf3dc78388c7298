package bindings_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// Each shape of call fails with the operation, MLX's message and no handle.
func TestOpFailures(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	ints := k.ints([]int32{1, 2, 3, 4, 5, 6}, 2, 3)
	none := bindings.OptionalInt{}
	tests := []struct {
		op, says string
		err      error
	}{
		{"add", "Shapes (2,3) and (2) cannot be broadcast.", second(bindings.Add(a, k.floats([]float32{1, 2}), k.s))},
		{"matmul", "Last dimension of first input with shape (2,3) must match second to last dimension",
			second(bindings.Matmul(a, a, k.s))},
		{"reshape", "Cannot reshape array of size 6 into shape (4,2)", second(bindings.Reshape(a, []int32{4, 2}, k.s))},
		{"sum_axis", "Invalid axis 5 for array with 2 dimensions", second(bindings.SumAxis(a, 5, false, k.s))},
		{"sum_axes", "Invalid axis 5 for array with 2 dimensions",
			second(bindings.SumAxes(a, []int32{0, 5}, false, k.s))},
		{"bitwise_invert", "Bitwise inverse only allowed on integer types", second(bindings.BitwiseInvert(a, k.s))},
		{"concatenate_axis", "All the input array dimensions must match exactly",
			second(bindings.ConcatenateAxis([]array{a, k.floats([]float32{1, 2}, 1, 2)}, 0, k.s))},
		{"concatenate", "No arrays provided", second(bindings.Concatenate(nil, k.s))},
		{"stack", "No arrays provided for stacking", second(bindings.Stack([]array{}, k.s))},
		{"stack", "expected a non-empty mlx_array", second(bindings.Stack([]array{a, {}}, k.s))},
		{"einsum", "Number of operands, 1, does not match number of input subscripts, 2",
			second(bindings.Einsum("ij,jk", []array{a}, k.s))},
		{"split", "attempting 4 splits along axis 1 for shape (2,3)", second(bindings.Split(a, 4, 1, k.s))},
		{"meshgrid", "Valid values are 'xy' and 'ij'", second(bindings.Meshgrid([]array{a}, false, "zz", k.s))},
		{"quantize", "Only real floating types can be quantized but w has type int32",
			second(bindings.Quantize(ints, none, none, "affine", array{}, k.s))},
		{"fast_rms_norm", "must have the same size as the last dimension of x but has 1 elements",
			second(bindings.RMSNorm(a, k.floats([]float32{1}), 1e-5, k.s))},
		{"fast_scaled_dot_product_attention", "input with shape (2,3) expected to be rank 4",
			second(bindings.ScaledDotProductAttention(a, a, a, 1, "", array{}, array{}, false, k.s))},
		{"load", "Failed to open file nowhere.npy", second(bindings.Load("nowhere.npy", k.s))},
		{"fft_fft", "Invalid axis received for array with 2 dimensions",
			second(bindings.FFT(a, 4, 7, bindings.FFTNormBackward, k.s))},
	}
	for _, tt := range tests {
		k.fails(tt.err, tt.op, tt.says, 1)
		require.Contains(t, tt.err.Error(), "bindings: "+tt.op+": ")
	}
}

// MLX would index its tables with these unchecked.
func TestEnumsOutOfRange(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2})
	bad := bindings.OptionalDtype{Value: 99, Valid: true}
	tests := []struct {
		op, says string
		err      error
	}{
		{"astype", "dtype 14 is no bindings.Dtype", second(bindings.AsType(a, 14, k.s))},
		{"zeros", "dtype -1 is no bindings.Dtype", second(bindings.Zeros(nil, -1, k.s))},
		{"cumsum", "dtype 99 is no bindings.Dtype", second(bindings.Cumsum(a, false, true, bad, k.s))},
		{"fft_fft", "norm 3 is no bindings.FFTNorm", second(bindings.FFT(a, 2, 0, 3, k.s))},
		{"set_compile_mode", "mode 4 is no bindings.CompileMode", bindings.SetCompileMode(4)},
	}
	for _, tt := range tests {
		k.fails(tt.err, tt.op, tt.says, 1)
	}
	_, err := bindings.NewDeviceType(2, 0)
	k.fails(err, "device_new_type", "2 is no bindings.DeviceType", 1)
	_, err = bindings.DeviceCount(-1)
	k.fails(err, "device_count", "-1 is no bindings.DeviceType", 1)
	_, err = bindings.Cumsum(a, false, true, bindings.OptionalDtype{Value: 99}, stream{})
	k.fails(err, "cumsum", "non-empty mlx_stream", 1) // what is not given is not checked
}

// withString calls operations with a string that their errors quote, or would.
func (k kit) withString(s string) map[string]error {
	a := k.floats([]float32{1, 2})
	return map[string]error{
		"load":         second(bindings.Load(s, k.s)),
		"save":         bindings.Save(filepath.Join("nowhere", s), a),
		"einsum":       second(bindings.Einsum(s, []array{a}, k.s)),
		"pad":          second(bindings.Pad(a, []int32{0}, []int32{1}, []int32{1}, a, s, k.s)),
		"searchsorted": second(bindings.SearchSorted(a, a, s, k.s)),
		"fast_scaled_dot_product_attention": second(bindings.ScaledDotProductAttention(k.floats([]float32{1}, 1, 1, 1, 1),
			k.floats([]float32{1}, 1, 1, 1, 1), k.floats([]float32{1}, 1, 1, 1, 1), 1, s, array{}, array{}, false, k.s)),
		"save_safetensors": bindings.SaveSafetensors(filepath.Join("nowhere", s), map[string]array{s: a}, nil),
		"distributed_init": second(bindings.DistributedInit(true, s)),
	}
}

func TestStringsThatCCannotCarry(t *testing.T) {
	k := begin(t)
	for _, s := range []string{"a\x00b", "\x00"} {
		for op, err := range k.withString(s) {
			k.fails(err, op, "which mlx-c cannot carry", 1)
		}
		k.fails(second(bindings.Eigvalsh(array{}, s, k.s)), "linalg_eigvalsh", "which mlx-c cannot carry", 1)
	}
	for key, text := range map[string]string{"\x00": "", "a": "\x00"} {
		err := bindings.SaveSafetensors("x", nil, map[string]string{key: text})
		k.fails(err, "save_safetensors", "mlx-c cannot carry", 1)
	}
}

// Messages quote these strings. Where mlx-c uses messages as printf formats, they
// would end the process.
func TestPercentSigns(t *testing.T) {
	k := begin(t)
	if !bindings.PercentSigns() {
		for op, err := range k.withString("%n%s") {
			k.fails(err, op, "which mlx-c cannot carry", 1)
		}
		return
	}
	for _, s := range []string{"%n%n%n%n", "100%", "%%", "%s%s%s%s%s%s%s%s"} {
		for op, err := range k.withString(s) {
			quoted := s
			if op == "einsum" { // it names the first bad character
				quoted = ""
			}
			k.fails(err, op, quoted, 1)
		}
	}
	path := filepath.Join(t.TempDir(), "100%n.safetensors")
	a := k.floats([]float32{1, 2})
	require.NoError(t, bindings.SaveSafetensors(path, map[string]array{"%n": a}, map[string]string{"%s": "%n"}))
	arrays, metadata, err := bindings.LoadSafetensors(path, k.s)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"%s": "%n"}, metadata)
	require.Equal(t, []float32{1, 2}, k.read(k.array(arrays["%n"], nil)))
}

// A library that was not built with native/message.h makes %% a single sign.
func TestPercentSignsAreRefusedWhereMessagesAreFormats(t *testing.T) {
	k := begin(t)
	defer bindings.RefusePercents()()
	for op, err := range k.withString("%n") {
		k.fails(err, op, "which mlx-c cannot carry", 1)
	}
}

// Strings of any length pass: short ones on the shim's stack, longer ones beside it.
func TestLongStrings(t *testing.T) {
	k := begin(t)
	for _, n := range []int{0, 1, 254, 255, 256, 257, 100_000} {
		name := strings.Repeat("x", n)
		s, err := bindings.NewStringData(name)
		require.NoError(t, err)
		got, err := s.Data()
		require.NoError(t, err)
		require.Equal(t, name, got)
		require.NoError(t, s.Close())

		_, err = bindings.Load(name, k.s)
		k.fails(err, "load", name, 1)
	}
}

func TestErrorsOfThisPackage(t *testing.T) {
	cause := errors.New("cause")
	tests := []struct {
		err  bindings.Error
		text string
	}{
		{bindings.Error{Op: "add", Message: "no", Status: 1}, "bindings: add: no"},
		{bindings.Error{Op: "apply", Message: "it failed", Status: 1, Err: cause}, "bindings: apply: cause"},
		{bindings.Error{Op: "get", Status: 2, Err: bindings.ErrNotFound}, "bindings: get: not found"},
		{bindings.Error{Op: "get", Status: 7}, "bindings: get: failed with status 7 and no message"},
	}
	for _, tt := range tests {
		require.EqualError(t, &tt.err, tt.text)
		require.Equal(t, tt.err.Err, errors.Unwrap(&tt.err))
	}
}
