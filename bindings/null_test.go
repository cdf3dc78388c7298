package bindings_test

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// kinds are pointers to a handle of every kind, as they are after Close: null.
func kinds() []any {
	return []any{
		new(bindings.Array), new(bindings.Closure), new(bindings.ClosureCustom), new(bindings.ClosureCustomJVP),
		new(bindings.ClosureCustomVmap), new(bindings.ClosureKwargs), new(bindings.ClosureValueAndGrad),
		new(bindings.CompileCache), new(bindings.CUDAKernel), new(bindings.CUDAKernelConfig), new(bindings.Device),
		new(bindings.DeviceInfo), new(bindings.DistributedGroup), new(bindings.FunctionExporter),
		new(bindings.ImportedFunction), new(bindings.IOGGUF), new(bindings.IOReader), new(bindings.IOWriter),
		new(bindings.MapStringToArray), new(bindings.MapStringToArrayIterator), new(bindings.MapStringToString),
		new(bindings.MapStringToStringIterator), new(bindings.MetalKernel), new(bindings.MetalKernelConfig),
		new(bindings.NodeNamer), new(bindings.Stream), new(bindings.StreamThreadLocal), new(bindings.String),
		new(bindings.VectorArray), new(bindings.VectorInt), new(bindings.VectorStream), new(bindings.VectorString),
		new(bindings.VectorVectorArray),
	}
}

// Every method of every kind of handle after Close, with empty arguments: an
// error or an answer, never a crash, and no handle that stays open.
func TestEveryMethodOfANullHandle(t *testing.T) {
	begin(t)
	named := map[string]bool{}
	calls, failed := 0, 0
	for _, handle := range kinds() {
		v := reflect.ValueOf(handle)
		named[v.Elem().Type().Name()] = true
		live := bindings.Live()
		for m := range v.Type().Methods() {
			if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[unsafe.Pointer]() {
				continue // the caller vouches for what it points to
			}
			var args []reflect.Value
			for i := 1; i < m.Type.NumIn(); i++ {
				args = append(args, reflect.Zero(m.Type.In(i)))
			}
			call := v.MethodByName(m.Name).Call
			if m.Type.IsVariadic() {
				call = v.MethodByName(m.Name).CallSlice
			}
			calls++
			for _, r := range call(args) {
				if err, ok := r.Interface().(error); ok && err != nil {
					var e *bindings.Error
					require.ErrorAs(t, err, &e, m.Name)
					failed++
				} else if c, ok := r.Interface().(interface{ Close() error }); ok {
					require.NoError(t, c.Close())
				}
			}
			// A setter makes a handle of a null one.
			require.NoError(t, handle.(interface{ Close() error }).Close(), m.Name)
			require.NoError(t, handle.(interface{ Close() error }).Close(), m.Name)
			require.True(t, v.Elem().IsZero(), m.Name)
		}
		require.Equal(t, live, bindings.Live(), v.Elem().Type().Name())
	}
	pkg := checkSources(t)
	for name := range pkg.exported {
		if typ, method, _ := strings.Cut(name, "."); method == "Close" {
			require.True(t, named[typ], "%s is missing above", typ)
		}
	}
	require.Greater(t, calls, 150)
	require.Greater(t, failed, calls/2)
}
