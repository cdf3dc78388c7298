package runtime_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// printed is what str(mx.array) made of values: testdata/print.py.
type printed struct {
	Dtype  string
	Shape  []int
	Values []string
	Text   string
}

func readPrinted(t *testing.T) (cases []printed) {
	t.Helper()
	raw, err := os.ReadFile("testdata/print.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &cases))
	require.Greater(t, len(cases), 20)
	return cases
}

var dtypes = map[string]mlx.Dtype{}

func init() {
	for _, d := range []mlx.Dtype{mlx.Bool, mlx.Uint8, mlx.Uint16, mlx.Uint32, mlx.Uint64, mlx.Int8, mlx.Int16, mlx.Int32,
		mlx.Int64, mlx.Float16, mlx.Float32, mlx.Float64, mlx.BFloat16, mlx.Complex64} {
		dtypes[d.String()] = d
	}
}

// array makes the array whose values are given as text.
func (p printed) array(t *testing.T, th *mlx.Thread) mlx.Array {
	t.Helper()
	if strings.HasSuffix(p.Dtype, "int64") {
		return p.integers(t, th)
	}
	values := make([]float64, len(p.Values))
	for i, v := range p.Values {
		var err error
		values[i], err = strconv.ParseFloat(v, 64)
		require.NoError(t, err)
	}
	return build(t, th, func(s *mlx.Scope) mlx.Array {
		return s.AsType(mlx.Const(s, values, p.Shape...), dtypes[p.Dtype])
	})
}

func (p printed) integers(t *testing.T, th *mlx.Thread) mlx.Array {
	t.Helper()
	signed, unsigned := make([]int64, len(p.Values)), make([]uint64, len(p.Values))
	for i, v := range p.Values {
		if p.Dtype == "int64" {
			signed[i], _ = strconv.ParseInt(v, 10, 64)
		} else {
			unsigned[i], _ = strconv.ParseUint(v, 10, 64)
		}
	}
	if p.Dtype == "int64" {
		return slice(t, th, signed, p.Shape...)
	}
	return slice(t, th, unsigned, p.Shape...)
}

func TestFormatAsPythonPrints(t *testing.T) {
	for _, p := range readPrinted(t) {
		leaktest.Do(t, func(th *mlx.Thread) {
			a := p.array(t, th)
			defer a.Close()
			text, err := mlx.Format(th, a, mlx.WithThreshold(0))
			require.NoError(t, err)
			require.Equal(t, p.Text, text)
			if len(p.Values) > 1000 || !strings.Contains(p.Text, "...") {
				text, err = mlx.Format(th, a)
				require.NoError(t, err)
				require.Equal(t, p.Text, text)
			}
		})
	}
}

func TestFormatWritesUpTo1000ElementsInFull(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a := slice(t, th, ramp[int32](1000), 10, 100)
		defer a.Close()
		text, err := mlx.Format(th, a)
		require.NoError(t, err)
		require.NotContains(t, text, "...")
		lines := strings.Split(text, "\n")
		require.Equal(t, "array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,", lines[0])
		require.Equal(t, "        19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,", lines[1])
		for _, l := range lines[:len(lines)-1] {
			require.LessOrEqual(t, len(l), 76, l)
		}
		require.Len(t, strings.Fields(strings.Trim(text, "ary()[]")), 1000+1, "the elements and the dtype")
	})
}

func TestFormatOfViewsComplexNumbersAndErrors(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, ramp[complex64](4), 2, 2)
		defer x.Close()
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Transpose(x) })
		defer y.Close()
		text, err := mlx.Format(th, y)
		require.NoError(t, err)
		require.Equal(t, "array([[0+0j, 2-2j],\n       [1-1j, 3-3j]], dtype=complex64)", text)
		_, err = mlx.Format(th, mlx.Array{})
		require.ErrorContains(t, err, "mlx: format: the array is null")
		bad := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Inv(s.Zeros([]int{2, 2}, mlx.Float32)) })
		defer bad.Close()
		_, err = mlx.Format(th, bad)
		require.Error(t, err)
	})
}
