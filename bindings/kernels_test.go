package bindings_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// The product of our own kernel is that of MLX's.
func TestCPUQuantizedMatmul(t *testing.T) {
	k := begin(t)
	needKernels(t)
	in := loadReferences(t).upload(k)
	group, bits := bindings.OptionalInt{Value: 32, Valid: true}, bindings.OptionalInt{Value: 4, Valid: true}
	q := k.list(bindings.Quantize(in.w, group, bits, "affine", array{}, k.s))
	want := k.array(bindings.QuantizedMatmul(in.h, q[0], q[1], q[2], true, group, bits, "affine", k.s))
	got := k.array(bindings.CPUQuantizedMatmul(in.h, q[0], q[1], q[2], 32, 4, "affine", true, k.s))
	require.InDeltaSlice(t, k.read(want), k.read(got), 1e-5)
	_, err := bindings.CPUQuantizedMatmul(in.h, q[0], q[1], q[2], 48, 4, "affine", true, k.s)
	k.fails(err, "cpu_quantized_matmul", "does not know groups of 48 values of 4 bits in mode affine", 1)
}

// The other products, of the same matrix.
func TestCPUProducts(t *testing.T) {
	k := begin(t)
	needKernels(t)
	in := loadReferences(t).upload(k)
	group, bits := bindings.OptionalInt{Value: 32, Valid: true}, bindings.OptionalInt{Value: 4, Valid: true}
	q := k.list(bindings.Quantize(in.w, group, bits, "affine", array{}, k.s))
	dense := k.array(bindings.Dequantize(q[0], q[1], q[2], group, bits, "affine", array{}, bindings.OptionalDtype{}, k.s))
	require.InDeltaSlice(t, k.read(dense), k.read(k.array(bindings.CPUDequantize(q[0], q[1], q[2], 32, 4, "affine", k.s))), 1e-6)

	want := k.read(k.array(bindings.Matmul(in.h, k.array(bindings.Transpose(dense, k.s)), k.s)))
	require.InDeltaSlice(t, want, k.read(k.array(bindings.CPUMatmul(in.h, dense, k.s))), 1e-5)
	front := func(a array) array { return k.array(bindings.ExpandDims(a, 0, k.s)) }
	zero := k.array(bindings.Zeros([]int32{1}, bindings.Uint32, k.s))
	require.InDeltaSlice(t, want, k.read(k.array(bindings.CPUGatherMatmul(in.h, front(dense), zero, k.s))), 1e-5)
	require.InDeltaSlice(t, want, k.read(k.array(bindings.CPUGatherQuantizedMatmul(in.h,
		front(q[0]), front(q[1]), front(q[2]), zero, 32, 4, "affine", true, k.s))), 1e-5)
}

// The operations of a step are MLX's.
func TestCPUSteps(t *testing.T) {
	k := begin(t)
	needKernels(t)
	x, weight := k.floats([]float32{1, -2, 3, 0.5, 4, -1, 2, 0.25}, 2, 4), k.floats([]float32{1, 0.5, 2, -1})
	require.InDeltaSlice(t, k.read(k.array(bindings.RMSNorm(x, weight, 1e-5, k.s))), k.read(k.array(bindings.CPURMSNorm(x, weight, 1e-5, k.s))), 1e-6)

	silu := k.array(bindings.Multiply(x, k.array(bindings.Sigmoid(x, k.s)), k.s))
	require.InDeltaSlice(t, k.read(k.array(bindings.Multiply(silu, x, k.s))), k.read(k.array(bindings.CPUGated(x, x, "silu", 0, 0, k.s))), 1e-6)

	place := k.array(bindings.CPUArgmax(x, k.s))
	require.Equal(t, []float32{2, 0}, k.read(k.array(bindings.AsType(place, bindings.Float32, k.s))))

	rooms := k.list(bindings.CPURooms([]array{x, weight}, k.s))
	where, err := rooms[1].DataPointer()
	require.NoError(t, err)
	copy(unsafe.Slice((*float32)(where), 4), []float32{4, 3, 2, 1})
	require.Equal(t, []float32{4, 3, 2, 1}, k.read(rooms[1]))
	require.Len(t, k.read(rooms[0]), 8)

	heads := k.array(bindings.Reshape(x, []int32{1, 2, 1, 4}, k.s))
	cos, sin := k.floats(make([]float32, 4), 1, 4), k.floats([]float32{-1, -1, 1, 1}, 1, 4) // a quarter turn
	require.InDeltaSlice(t, []float32{-3, -0.5, 1, -2, -2, -0.25, 4, -1}, k.read(k.array(bindings.CPURoPE(heads, cos, sin, 4, false, k.s))), 1e-6)

	keys := k.floats([]float32{1, 0, 2, -1, 0.5, 1, 1, 0, -1, 2, 0, 1}, 1, 1, 3, 4)
	want := k.array(bindings.ScaledDotProductAttention(heads, keys, keys, 0.5, "", array{}, array{}, false, k.s))
	got := k.array(bindings.CPUAttention(heads, []array{keys}, []array{keys}, 3, 0, 0.5, 0, array{}, array{}, 0, k.s))
	require.InDeltaSlice(t, k.read(want), k.read(got), 1e-6)

	sum, normed, err := bindings.CPUAddRMSNorm(x, x, weight, 1e-5, k.s)
	double := k.array(bindings.Add(x, x, k.s))
	require.Equal(t, k.read(double), k.read(k.array(sum, err)))
	require.InDeltaSlice(t, k.read(k.array(bindings.RMSNorm(double, weight, 1e-5, k.s))), k.read(k.array(normed, err)), 1e-6)

	// A query, a key and a value of 4 features; what was in the buffer is behind them.
	row := k.floats([]float32{-3, -0.5, 1, -2, 0.5, 1, 1, 0, 1, 2, 3, 4}, 1, 12)
	out := k.list(bindings.CPUAttendToken(row, []array{keys}, []array{keys}, array{}, array{}, 0, array{}, array{}, 4, false,
		1, 0, 1, 0, 0.5, 0, array{}, array{}, 0, k.s))
	require.Equal(t, []float32{1, 2, 3, 4}, k.read(out[0]), "one key has all the weight")
	require.Equal(t, []float32{0.5, 1, 1, 0, 0.5, 1, 1, 0, -1, 2, 0, 1}, k.read(out[1]))
	require.Equal(t, []float32{1, 2, 3, 4, 0.5, 1, 1, 0, -1, 2, 0, 1}, k.read(out[2]))
}

// needKernels requires our own kernels, unless the run is one without them.
func needKernels(t *testing.T) {
	t.Helper()
	if os.Getenv(bindings.KernelsVariable) == "0" {
		t.Skip("our own kernels are turned off")
	}
	require.True(t, bindings.HasKernels(), "libgomlx is installed beside libmlxc")
}

func TestKernelsTellOfThemselves(t *testing.T) {
	needKernels(t)
	isa, err := bindings.CPUISA()
	require.NoError(t, err)
	require.Contains(t, []string{"generic", "avx2", "avx512", "neon"}, isa)
	n, err := bindings.CPUThreads()
	require.NoError(t, err)
	require.Positive(t, n)
	lib, err := bindings.LoadLibrary()
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(lib.MLXC), filepath.Dir(lib.Kernels))
	require.Empty(t, lib.NoKernels)
}

// What was begun before a node that cannot run is computed all the same, and the graph
// that fails tells why.
func TestCPUEval(t *testing.T) {
	needKernels(t)
	k := begin(t)
	sum := k.array(bindings.Add(k.some(), k.some(), k.s))
	require.NoError(t, bindings.CPUEval([]array{sum}, true))
	require.NoError(t, bindings.CPUWait(sum))
	require.NoError(t, bindings.CPUEval([]array{sum}, false))
	square := k.array(bindings.Multiply(sum, sum, k.s))
	in, none := loadReferences(t).upload(k), bindings.OptionalInt{}
	q := k.list(bindings.Quantize(in.w, none, none, "nvfp4", array{}, k.s))
	never := k.array(bindings.QQMM(in.h, q[0], q[1], none, none, "nvfp4", array{}, array{}, k.s))
	k.fails(bindings.CPUEval([]array{square, never}, true), "cpu_eval", "[QQMatmul] NYI", 1)
	require.NoError(t, bindings.CPUWait(square))
	v, err := square.DataFloat32()
	require.NoError(t, err)
	require.Equal(t, []float32{4}, v)
	k.fails(bindings.CPUWait(array{}), "cpu_wait", "non-empty mlx_array", 1)
}

// Whether products are exact is the environment's to say.
func TestExactKernels(t *testing.T) {
	needKernels(t)
	for value, want := range map[string]bool{"": false, "exact": true} {
		out, err := inChild(t, []string{bindings.KernelsVariable + "=" + value}, func() {
			fmt.Println("exact:", bindings.ExactKernels())
		})
		require.NoError(t, err, out)
		require.Contains(t, out, fmt.Sprint("exact: ", want), value)
	}
}

// besideMLXC is a folder with the installed libmlxc and, as libgomlx, what kernels
// names or nothing.
func besideMLXC(t *testing.T, kernels string) string {
	t.Helper()
	prefix, home := t.TempDir(), installed(t)
	lib := filepath.Join(prefix, "lib")
	require.NoError(t, os.Mkdir(lib, 0o755))
	require.NoError(t, os.Symlink(filepath.Join(home, "..", "mlx"), filepath.Join(prefix, "mlx")))
	require.NoError(t, os.Symlink(filepath.Join(home, libraryName()), filepath.Join(lib, libraryName())))
	if kernels != "" {
		require.NoError(t, os.Symlink(kernels, filepath.Join(lib, kernelsName())))
	}
	return lib
}

func kernelsName() string { return strings.Replace(libraryName(), "mlxc", "gomlx", 1) }

// kernels loads the libraries in another process, where mlx-c must work, and tells
// what became of our own.
func kernels(t *testing.T, dir string, env ...string) string {
	t.Helper()
	env = append([]string{bindings.KernelsVariable + "=", bindings.LibraryPathVariable + "=" + dir}, env...)
	out, err := inChild(t, env, func() {
		lib, err := bindings.LoadLibrary()
		require.NoError(t, err)
		a, err := bindings.NewArrayInt(1)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		_, err = bindings.CPUThreads()
		require.Equal(t, bindings.HasKernels(), err == nil)
		if err != nil {
			require.ErrorIs(t, err, bindings.ErrNoKernels)
			require.EqualError(t, err, "bindings: no kernels for a CPU: "+lib.NoKernels)
		}
		fmt.Printf("<<%s|%s>>", lib.Kernels, lib.NoKernels)
	})
	require.NoError(t, err, out)
	_, text, _ := strings.Cut(out, "<<")
	text, _, _ = strings.Cut(text, ">>")
	return text
}

// fakeKernels has the functions of libgomlx; only the one that tells what it was
// built for works.
func fakeKernels(t *testing.T, built string, without string) string {
	t.Helper()
	var c strings.Builder
	c.WriteString("typedef struct { void *ctx; } mlx_string;\n" +
		"mlx_string mlx_string_new_data(const char *);\nint mlx_string_set(mlx_string *, mlx_string);\nint mlx_string_free(mlx_string);\n")
	for _, row := range readLock(t) {
		switch {
		case !strings.HasPrefix(row.c, "gomlx_") || row.c == without:
		case row.c == "gomlx_built_for":
			fmt.Fprintf(&c, "int gomlx_built_for(mlx_string *s) {\n\tmlx_string t = mlx_string_new_data(%q);\n"+
				"\tint status = mlx_string_set(s, t);\n\tmlx_string_free(t);\n\treturn status;\n}\n", built)
		default:
			fmt.Fprintf(&c, "int %s(void) { return 1; }\n", row.c)
		}
	}
	dir := t.TempDir()
	source, library := filepath.Join(dir, "fake.c"), filepath.Join(dir, kernelsName())
	require.NoError(t, os.WriteFile(source, []byte(c.String()), 0o600))
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	out, err := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-o", library, source,
		filepath.Join(installed(t), libraryName())).CombinedOutput()
	require.NoError(t, err, string(out))
	return library
}

// Everything else works where our own kernels lack, are not for this MLX, or are
// turned off.
func TestLoadWithoutKernels(t *testing.T) {
	for name, c := range map[string]struct {
		file func(t *testing.T) string // "" lacks
		env  string
		want string
	}{
		"absent": {want: "no " + kernelsName() + " beside " + libraryName()},
		"turned off": {
			file: func(t *testing.T) string { return filepath.Join(installed(t), kernelsName()) },
			env:  bindings.KernelsVariable + "=0", want: "GO_MLX_CPU_KERNELS=0 turns them off",
		},
		"no library": {
			file: func(t *testing.T) string {
				file := filepath.Join(t.TempDir(), "text")
				require.NoError(t, os.WriteFile(file, []byte("no library\n"), 0o600))
				return file
			}, want: kernelsName(),
		},
		"another MLX": {
			file: func(t *testing.T) string { return fakeKernels(t, "0.31.9 x", "") },
			want: kernelsName() + " was built for MLX 0.31.9, wanted " + bindings.MLXVersion,
		},
		"another header": {
			file: func(t *testing.T) string { return fakeKernels(t, bindings.MLXVersion+" 0123", "") },
			want: kernelsName() + " was built by another version of go-mlx: run `mlx setup`",
		},
		"older": {
			file: func(t *testing.T) string { return fakeKernels(t, "", "gomlx_cpu_threads") },
			want: kernelsName() + " has no function gomlx_cpu_threads: run `mlx setup`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inChildKernels(t)
			file := ""
			if c.file != nil {
				file = c.file(t)
			}
			path, why, _ := strings.Cut(kernels(t, besideMLXC(t, file), c.env), "|")
			require.Empty(t, path)
			require.Contains(t, why, c.want)
		})
	}
	t.Run("all is well", func(t *testing.T) {
		inChildKernels(t)
		dir := besideMLXC(t, filepath.Join(installed(t), kernelsName()))
		require.Equal(t, filepath.Join(dir, kernelsName())+"|", kernels(t, dir))
	})
}

// inChildKernels does the child's part of a test that prepares something before.
func inChildKernels(t *testing.T) {
	t.Helper()
	if os.Getenv(childMarker) != "" {
		kernels(t, "")
	}
}
