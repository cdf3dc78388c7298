package conformance

import (
	_ "embed"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/bindings"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

//go:embed call_test.go
var callSource string

// callLine is the line of call_test.go where operations are called.
func callLine() int {
	before, _, _ := strings.Cut(callSource, "range f(args)")
	return strings.Count(before, "\n") + 1
}

const refusalTries = 400

// Every operation refuses wrong shapes, dtypes or axes, and the error names the
// operation, MLX's reason and the caller's line. The few that take anything are
// listed, and refuse null arrays.
func TestEveryOperationRefuses(t *testing.T) {
	on(t, func(th *mlx.Thread) {
		names := cNames(t)
		for _, op := range operations() {
			err := withGroup(th, op, func(g *mlx.Group) error { return refused(th, op, g) })
			reason, all := takesAnything[op]
			require.Equal(t, all, err == nil, "%s: %v; listed as taking anything: %q", op, err, reason)
			if all && takesArrays(op) {
				_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return call(s, op, zeros(op)) })
			}
			if err != nil {
				requireWhole(t, op, names[op], err)
			}
		}
		for op := range takesAnything {
			require.Contains(t, operations(), op)
		}
	})
}

// requireWhole requires an error with everything that a caller needs.
func requireWhole(t *testing.T, op, name string, err error) {
	t.Helper()
	var e *mlx.Error
	var below *bindings.Error
	require.ErrorAs(t, err, &e, op)
	require.ErrorAs(t, err, &below, "%s: %v", op, err)
	if name != "" { // gen/api.lock is there
		require.Equal(t, strings.TrimPrefix(name, "distributed_"), e.Op)
		require.Equal(t, name, below.Op)
	}
	require.NotEmpty(t, e.Message, op)
	require.Equal(t, below.Message, e.Message)
	require.Equal(t, "call_test.go", filepath.Base(e.File), "%s: %v", op, err)
	require.Equal(t, callLine(), e.Line, "%s: %v", op, err)
}

// refused calls an operation with arguments drawn at random until it refuses.
func refused(th *mlx.Thread, op string, g *mlx.Group) error {
	for try := range refusalTries {
		drawn := true
		results, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			d := newDraw(op, try)
			d.group = g
			args := d.arguments(th, s, op)
			if drawn = s.Err() == nil; !drawn {
				return nil
			}
			return call(s, op, args)
		})
		_ = bindings.CloseAll(results)
		if e, ok := errors.AsType[*bindings.Error](err); ok && drawn && e.Op != "" {
			return err
		}
	}
	return nil
}

func takesArrays(op string) bool {
	params := parameters(op)
	return slices.Contains(params, arrayType) && !slices.Contains(params, groupType)
}

// zeros are arguments of zero: null arrays.
func zeros(op string) (args []reflect.Value) {
	for _, p := range parameters(op) {
		args = append(args, reflect.Zero(p))
	}
	return args
}

// takesAnything lists the operations that refuse no shape, dtype or axis, with the
// reason.
var takesAnything = byOperation(map[string]string{
	"maps the elements of any array": `Abs Arccos Arccosh Arcsin Arcsinh Arctan Arctanh AsType Conjugate Contiguous Copy Cos Cosh
		Degrees Exp Imag IsFinite IsInf IsNaN IsNegInf IsPosInf Log Log10 Log1p Log2 LogicalNot OnesLike OnesLikeDtype Positive
		Radians Real Reciprocal Round Rsqrt Sign Sin Sinh Sqrt Square StopGradient Tan Tanh ZerosLike ZerosLikeDtype`,
	"takes all axes of any array together":             "All Any CountNonzero Flip Mean Prod Roll Softmax Squeeze Std Sum Transpose Var",
	"adds axes to any array":                           "Atleast1D Atleast2D Atleast3D",
	"arrays of other shapes are not equal":             "ArrayEqual",
	"flattens both arrays":                             "Outer",
	"a size below one gives no elements":               "Bartlett Blackman Hamming Hanning Tri",
	"every number is a seed":                           "RandomKey",
	"makes memory for arrays of any shape":             "CPURooms",
	"in a group of one the result is the array itself": "AllGather AllMax AllMin AllSum SumScatter",
})

func byOperation(reasons map[string]string) map[string]string {
	out := map[string]string{}
	for reason, ops := range reasons {
		for _, op := range strings.Fields(ops) {
			out[op] = reason
		}
	}
	return out
}
