package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/bindings"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const (
	hammerFrom  = "GO_MLX_HAMMER_FROM" // the call that a child begins with
	hammerTries = "GO_MLX_HAMMER_TRIES"
	callMark    = "call "
	silence     = 20 * time.Second // a call that takes longer hangs
)

// No call ends the process, whatever its arguments: every operation is called
// with arguments drawn at random, in a process of its own that is started again
// after the call that ended it.
func TestNoCallEndsTheProcess(t *testing.T) {
	if from := os.Getenv(hammerFrom); from != "" {
		n, err := strconv.Atoi(from)
		require.NoError(t, err)
		on(t, func(th *mlx.Thread) { hammer(th, n) })
		return
	}
	var ended []string
	for from := 0; from >= 0; {
		var last string
		last, from = child(t, from)
		if last != "" {
			ended = append(ended, last)
		}
	}
	require.Empty(t, ended, "calls that ended the process:\n%s", strings.Join(ended, "\n"))
}

// child hammers from the given call on. It returns the call that ended the process
// with the way it ended, and the call to go on with, or -1.
func child(t *testing.T, from int) (string, int) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoCallEndsTheProcess$", "-device="+*device)
	cmd.Env = append(os.Environ(), hammerFrom+"="+strconv.Itoa(from))
	var report bytes.Buffer
	cmd.Stderr = &report
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	slow := time.AfterFunc(silence, func() { _ = cmd.Process.Kill() })
	last, at := "", from
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), callMark); ok {
			n, text, _ := strings.Cut(rest, " ")
			slow.Reset(silence)
			at, err = strconv.Atoi(n)
			require.NoError(t, err)
			last = text
		}
	}
	slow.Stop()
	if err := cmd.Wait(); err != nil {
		why, _, _ := strings.Cut(report.String(), "\n")
		return fmt.Sprintf("%v: %s: %s", err, why, last), at + 1
	}
	return "", -1
}

// hammer calls all operations, some times each, printing each call before.
func hammer(th *mlx.Thread, from int) {
	tries := 100
	if n, err := strconv.Atoi(os.Getenv(hammerTries)); err == nil {
		tries = n
	}
	only := os.Getenv("GO_MLX_HAMMER_OP")
	for i, op := range operations() {
		if only != "" && op != only {
			continue
		}
		for try := range tries {
			if n := i*tries + try; n >= from {
				d := newDraw(op, try)
				d.nulls = true
				_ = withGroup(th, op, func(g *mlx.Group) error {
					d.group = g
					d.strike(th, op, n)
					return nil
				})
			}
		}
	}
}

// strike makes call n and reads its results.
func (d *draw) strike(th *mlx.Thread, op string, n int) {
	results, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		args := d.arguments(th, s, op)
		fmt.Printf("%s%d %s(%s)\n", callMark, n, op, strings.Join(d.text, ", "))
		return call(s, op, args)
	})
	if err == nil {
		_, _ = readAll(th, results)
		_ = bindings.CloseAll(results)
	}
}

// operations lists Scope's operations: the methods that return arrays.
func operations() (ops []string) {
	for i := range scopeType.NumMethod() {
		m := scopeType.Method(i)
		n := m.Type.NumOut()
		if _, own := ownMethods[m.Name]; own || n == 0 {
			continue
		}
		if out := m.Type.Out(0); out == arrayType || out == arraysType {
			ops = append(ops, m.Name)
		}
	}
	return slices.DeleteFunc(ops, func(op string) bool {
		return slices.ContainsFunc(parameters(op), func(p reflect.Type) bool {
			return p.Kind() == reflect.Func || p.Kind() == reflect.Interface || strings.HasSuffix(p.Name(), "KernelConfig")
		})
	})
}

// ownMethods of Scope are no operations of MLX.
var ownMethods = map[string]bool{"Own": true, "Scalar": true}

// draw draws the arguments of one call.
type draw struct {
	*rand.Rand
	dtype mlx.Dtype
	shape []int
	text  []string
	group *mlx.Group
	nulls bool                    // some arrays are null
	tame  func(v float32) float32 // keeps the values of arrays within what MLX trusts
}

func newDraw(op string, try int) *draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(op))
	d := &draw{Rand: rand.New(rand.NewPCG(h.Sum64(), uint64(try)))}
	d.dtype, d.shape, d.tame = d.anyDtype(), pick(d, shapes), trusted(op)
	return d
}

// trusted returns what keeps an operation's values within those that MLX does not
// check, of which docs/conformance.md tells: indices lie in the array, integers
// are not divided by zero, LAPACK gets no NaN. Empty arrays are not transposed:
// MLX reduces them without end.
func trusted(op string) func(float32) float32 {
	switch {
	case strings.HasPrefix(op, "Take"), strings.HasPrefix(op, "Put"), strings.HasPrefix(op, "Gather"), strings.HasPrefix(op, "Scatter"),
		strings.HasPrefix(op, "SliceUpdateDynamic"), strings.HasPrefix(op, "SliceDynamic"), op == "CrossEntropy", op == "SegmentedMM":
		return func(float32) float32 { return 0 }
	case op == "Remainder", op == "FloorDivide", op == "Divmod":
		return func(v float32) float32 { return 1 + finite(float32(math.Trunc(math.Abs(float64(v))))) }
	case op == "Pinv", op == "SVD", strings.HasPrefix(op, "Norm"), strings.HasPrefix(op, "Eig"):
		return finite
	}
	return func(v float32) float32 { return v }
}

func finite(v float32) float32 {
	if v-v != 0 {
		return 0
	}
	return v
}

var (
	shapes = [][]int{{}, {0}, {1}, {3}, {32}, {2, 3}, {3, 3}, {0, 3}, {3, 0}, {4, 64}, {1, 1}, {2, 3, 3}, {1, 2, 3, 8}, {2, 4, 4, 2}, {1, 3, 3, 3, 2}, {0, 0}, {0, 3, 3}}
	ints   = []int{-7, -2, -1, 0, 0, 1, 1, 2, 3, 4, 5, 8, 32}
	sizes  = []int{-1, 0, 1, 1, 2, 3, 3, 4, 8}
	reals  = []float64{0, 1, -1, 2, 1e-5, 0.5, math.NaN(), math.Inf(1), math.Inf(-1)}
	words  = []string{"", "affine", "mxfp4", "mxfp8", "nvfp4", "constant", "edge", "reflect", "symmetric", "L", "U", "fro", "nuc",
		"xy", "ij", "left", "right", "causal", "array", "ij,jk->ik", "i,i", "ij->", "...i->i", "i->ij", "ii->i", ",->", "->", "bogus"}
)

func pick[T any](d *draw, from []T) T { return from[d.IntN(len(from))] }

func (d *draw) anyDtype() mlx.Dtype { return mlx.Dtype(d.IntN(int(mlx.Complex64) + 1)) }

func (d *draw) arguments(th *mlx.Thread, s *mlx.Scope, op string) (args []reflect.Value) {
	for _, p := range parameters(op) {
		v := d.argument(th, s, p)
		if p != arrayType && p != arraysType {
			d.text = append(d.text, fmt.Sprint(v.Interface()))
		}
		args = append(args, v)
	}
	return args
}

func (d *draw) argument(th *mlx.Thread, s *mlx.Scope, to reflect.Type) reflect.Value {
	v := reflect.New(to)
	switch p := v.Interface().(type) {
	case *mlx.Array:
		*p = d.array(th, s)
	case *[]mlx.Array:
		for range d.IntN(4) {
			*p = append(*p, d.array(th, s))
		}
	case *[]int:
		*p = d.list()
	case *[]int64:
		for _, n := range d.list() {
			*p = append(*p, int64(n))
		}
	case *int:
		*p = pick(d, ints)
	case *uint64:
		*p = uint64(d.IntN(9))
	case *float32:
		*p = float32(pick(d, reals))
	case *float64:
		*p = pick(d, reals)
	case *bool:
		*p = d.IntN(2) == 0
	case *string:
		*p = pick(d, words)
	case *mlx.Dtype:
		*p = d.anyDtype()
	case *mlx.OptionalInt:
		*p = mlx.OptionalInt{Valid: d.IntN(2) == 0, Value: pick(d, []int32{-1, 0, 2, 3, 4, 8, 16, 32, 64})}
	case *mlx.OptionalFloat:
		*p = mlx.OptionalFloat{Valid: d.IntN(2) == 0, Value: float32(pick(d, reals))}
	case *mlx.OptionalDtype:
		*p = mlx.OptionalDtype{Valid: d.IntN(2) == 0, Value: d.anyDtype()}
	case *bindings.FFTNorm:
		*p = bindings.FFTNorm(d.IntN(4))
	case **mlx.Group:
		*p = d.group
	default:
		panic(fmt.Sprintf("no arguments of type %v", to))
	}
	return v.Elem()
}

// list draws dimensions, axes or bounds: mostly as many as the array has axes.
func (d *draw) list() []int {
	n := len(d.shape)
	if d.IntN(4) == 0 {
		n = d.IntN(5)
	}
	out := make([]int, n)
	for i := range out {
		switch d.IntN(3) {
		case 0:
			out[i] = pick(d, ints)
		case 1:
			out[i] = pick(d, sizes)
		default:
			out[i] = i
		}
	}
	if n == 0 && d.IntN(2) == 0 {
		return nil
	}
	return out
}

// array draws an array: mostly of the shape and dtype that the call has already.
func (d *draw) array(th *mlx.Thread, s *mlx.Scope) mlx.Array {
	if d.nulls && d.IntN(12) == 0 {
		d.text = append(d.text, "null")
		return mlx.Array{}
	}
	dtype, shape := d.dtype, d.shape
	if d.IntN(3) == 0 {
		dtype = pick(d, []mlx.Dtype{mlx.Int32, mlx.Uint32, mlx.Float32, mlx.Bool, d.anyDtype()})
	}
	if d.IntN(3) == 0 {
		shape = pick(d, shapes)
	}
	n := product(shape)
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(d.IntN(9) - 3)
		if d.IntN(20) == 0 {
			values[i] = float32(pick(d, reals))
		}
		values[i] = d.tame(values[i])
	}
	d.text = append(d.text, fmt.Sprintf("%v%v", dtype, shape))
	if n > 0 && n < 10 {
		d.text[len(d.text)-1] += fmt.Sprint(values)
	}
	a := s.AsType(s.Own(mlx.FromSlice(th, values, shape...)), dtype)
	if len(shape) > 1 && n > 0 && d.IntN(4) == 0 {
		d.text[len(d.text)-1] += "T"
		return s.Transpose(a)
	}
	return a
}
