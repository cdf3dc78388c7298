package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

type stream = bindings.Stream

// unaryOps are operations on one array, by the input of ops.py that they take.
var unaryOps = map[string]map[string]func(array, stream) (array, error){
	"x": {
		"Abs": bindings.Abs, "Arccos": bindings.Arccos, "Arcsin": bindings.Arcsin, "Arcsinh": bindings.Arcsinh,
		"Arctan": bindings.Arctan, "Arctanh": bindings.Arctanh, "Atleast1D": bindings.Atleast1D,
		"Atleast3D": bindings.Atleast3D, "Copy": bindings.Copy, "Cos": bindings.Cos, "Cosh": bindings.Cosh,
		"Degrees": bindings.Degrees, "Erf": bindings.Erf, "Erfinv": bindings.Erfinv, "Exp": bindings.Exp,
		"Expm1": bindings.Expm1, "Flip": bindings.Flip, "Log1p": bindings.Log1p, "Negative": bindings.Negative,
		"OnesLike": bindings.OnesLike, "Pinv": bindings.Pinv, "Positive": bindings.Positive,
		"Radians": bindings.Radians, "Sigmoid": bindings.Sigmoid, "Sin": bindings.Sin, "Sinh": bindings.Sinh,
		"Square": bindings.Square, "StopGradient": bindings.StopGradient, "Tan": bindings.Tan, "Tanh": bindings.Tanh,
		"ToFP8": bindings.ToFP8, "Transpose": bindings.Transpose, "ZerosLike": bindings.ZerosLike,
	},
	"p": {
		"Arccosh": bindings.Arccosh, "Log": bindings.Log, "Log10": bindings.Log10, "Log2": bindings.Log2,
		"Rsqrt": bindings.Rsqrt, "Sqrt": bindings.Sqrt,
	},
	"v": {
		"Argsort": bindings.Argsort, "Atleast2D": bindings.Atleast2D, "Sort": bindings.Sort,
	},
	"i": {
		"BitwiseInvert": bindings.BitwiseInvert,
	},
	"y": {
		"Ceil": bindings.Ceil, "Floor": bindings.Floor, "Reciprocal": bindings.Reciprocal, "Sign": bindings.Sign,
		"Trunc": bindings.Trunc,
	},
	"z": {
		"Conjugate": bindings.Conjugate, "Imag": bindings.Imag, "Real": bindings.Real,
	},
	"n": {
		"IsFinite": bindings.IsFinite, "IsInf": bindings.IsInf, "IsNaN": bindings.IsNaN,
		"IsNegInf": bindings.IsNegInf, "IsPosInf": bindings.IsPosInf,
	},
	"b": {
		"LogicalNot": bindings.LogicalNot,
	},
	"q": {
		"Det": bindings.Det, "Inv": bindings.Inv, "Trace": bindings.Trace,
	},
}

func TestUnaryOps(t *testing.T) {
	table := ops{}
	for in, list := range unaryOps {
		for name, f := range list {
			table[name] = func(r refs) ([]array, error) { return one(f(r.upload(r.inputs[in]), r.s)) }
		}
	}
	table.compare(t)
}

// binaryOps are operations on two arrays.
var binaryOps = map[[2]string]map[string]func(a, b array, s stream) (array, error){
	{"x", "y"}: {
		"Add": bindings.Add, "Arctan2": bindings.Arctan2, "Divide": bindings.Divide,
		"FloorDivide": bindings.FloorDivide, "Greater": bindings.Greater, "Inner": bindings.Inner,
		"Kron": bindings.Kron, "Less": bindings.Less, "LogAddExp": bindings.LogAddExp, "Maximum": bindings.Maximum,
		"Minimum": bindings.Minimum, "Multiply": bindings.Multiply, "Subtract": bindings.Subtract,
	},
	{"i", "j"}: {
		"BitwiseAnd": bindings.BitwiseAnd, "BitwiseOr": bindings.BitwiseOr, "BitwiseXor": bindings.BitwiseXor,
		"Equal": bindings.Equal, "GreaterEqual": bindings.GreaterEqual, "LeftShift": bindings.LeftShift,
		"LessEqual": bindings.LessEqual, "NotEqual": bindings.NotEqual, "RightShift": bindings.RightShift,
	},
	{"b", "c"}: {
		"LogicalAnd": bindings.LogicalAnd, "LogicalOr": bindings.LogicalOr, "LogicalXor": bindings.LogicalXor,
	},
	{"x", "q"}: {
		"Matmul": bindings.Matmul,
	},
	{"v", "u"}: {
		"Outer": bindings.Outer,
	},
	{"p", "y"}: {
		"Power": bindings.Power,
	},
	{"y", "p"}: {
		"Remainder": bindings.Remainder,
	},
	{"v", "k"}: {
		"Take": bindings.Take,
	},
}

func TestBinaryOps(t *testing.T) {
	table := ops{}
	for in, list := range binaryOps {
		for name, f := range list {
			table[name] = func(r refs) ([]array, error) {
				return one(f(r.upload(r.inputs[in[0]]), r.upload(r.inputs[in[1]]), r.s))
			}
		}
	}
	table.compare(t)
}

func TestNullArgumentsOfElementwiseOps(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1})
	noArray, noStream := "expected a non-empty mlx_array", "expected a non-empty mlx_stream"
	refused := func(name, says string, a array, err error) {
		require.True(t, a.IsNull(), name)
		var e *bindings.Error
		require.ErrorAs(t, err, &e, name)
		require.Contains(t, e.Message, says, name)
		require.Equal(t, 1, e.Status, name)
	}
	for _, list := range unaryOps {
		for name, f := range list {
			res, err := f(array{}, k.s)
			refused(name, noArray, res, err)
			res, err = f(a, stream{})
			refused(name, noStream, res, err)
		}
	}
	for _, list := range binaryOps {
		for name, f := range list {
			res, err := f(a, array{}, k.s)
			refused(name, noArray, res, err)
			res, err = f(array{}, a, k.s)
			refused(name, noArray, res, err)
			res, err = f(a, a, stream{})
			refused(name, noStream, res, err)
		}
	}
}
