package bindings_test

import (
	"math"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestLinearAlgebra(t *testing.T) {
	lower := func(r refs) array { return r.array(bindings.Cholesky(r.q, false, r.s)) }
	flip := func(r refs, a array) array { return r.array(bindings.Transpose(a, r.s)) }
	ops{
		"Cholesky":    func(r refs) ([]array, error) { return one(bindings.Cholesky(r.q, false, r.s)) },
		"CholeskyInv": func(r refs) ([]array, error) { return one(bindings.CholeskyInv(flip(r, lower(r)), true, r.s)) },
		"Eigvalsh":    func(r refs) ([]array, error) { return one(bindings.Eigvalsh(r.q, "U", r.s)) },
		"Slogdet": func(r refs) ([]array, error) {
			return two(bindings.Slogdet(r.array(bindings.Negative(r.q, r.s)), r.s))
		},
		"Solve": func(r refs) ([]array, error) { return one(bindings.Solve(r.q, flip(r, r.p), r.s)) },
		"SolveTriangular": func(r refs) ([]array, error) {
			return one(bindings.SolveTriangular(flip(r, lower(r)), flip(r, r.p), true, r.s))
		},
		"TriInv": func(r refs) ([]array, error) { return one(bindings.TriInv(lower(r), false, r.s)) },
		"Norm":   func(r refs) ([]array, error) { return one(bindings.Norm(r.y, 3, []int32{1}, true, r.s)) },
		"NormL2": func(r refs) ([]array, error) { return one(bindings.NormL2(r.y, nil, false, r.s)) },
		"NormMatrix": func(r refs) ([]array, error) {
			return one(bindings.NormMatrix(r.y, "nuc", []int32{0, 1}, false, r.s))
		},
		"LU":             func(r refs) ([]array, error) { return bindings.LU(r.q, r.s) },
		"LUFactor":       func(r refs) ([]array, error) { return two(bindings.LUFactor(r.q, r.s)) },
		"SingularValues": func(r refs) ([]array, error) { return bindings.SVD(r.q, false, r.s) },
	}.compare(t)
}

// A norm without axes takes them all; with an empty list it takes none, as in
// Python: norm([3, -4]) is 5, norm([3, -4], axis=[]) is [3, 4].
func TestNormTellsNilFromEmptyAxes(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{3, -4}, 2)
	require.Equal(t, []float32{5}, k.read(k.array(bindings.NormL2(a, nil, false, k.s))))
	require.Equal(t, []float32{3, 4}, k.read(k.array(bindings.NormL2(a, []int32{}, false, k.s))))
}

// product multiplies matrices from left to right.
func (k kit) product(m ...array) array {
	k.Helper()
	out := m[0]
	for _, next := range m[1:] {
		out = k.array(bindings.Matmul(out, next, k.s))
	}
	return out
}

func (k kit) close(want, got array) {
	k.Helper()
	require.InDeltaSlice(k, k.read(want), k.read(got), 1e-5)
}

// Factors are unique up to signs: what counts is that they multiply to the matrix.
func TestFactorisations(t *testing.T) {
	k := begin(t)
	r := loadReferences(t).upload(k)
	flip := func(a array) array { return k.array(bindings.Transpose(a, k.s)) }
	eye := k.array(bindings.Identity(3, bindings.Float32, k.s))

	qr := k.list(two(bindings.QR(r.q, k.s)))
	k.close(r.q, k.product(qr[0], qr[1]))
	k.close(eye, k.product(flip(qr[0]), qr[0]))
	k.close(qr[1], k.array(bindings.Triu(qr[1], 0, k.s)))

	svd := k.list(bindings.SVD(r.q, true, k.s))
	require.Len(t, svd, 3)
	k.close(r.q, k.product(svd[0], k.array(bindings.Diag(svd[1], 0, k.s)), svd[2]))
	k.close(eye, k.product(flip(svd[0]), svd[0]))

	eigh := k.list(two(bindings.Eigh(r.q, "L", k.s)))
	k.close(r.q, k.product(eigh[1], k.array(bindings.Diag(eigh[0], 0, k.s)), flip(eigh[1])))
	k.close(k.array(bindings.Eigvalsh(r.q, "L", k.s)), eigh[0])
}

// A rotation by 60° has the eigenvalues exp(±iπ/3).
func TestEigenvaluesOfARotation(t *testing.T) {
	k := begin(t)
	c, s := float32(math.Cos(math.Pi/3)), float32(math.Sin(math.Pi/3))
	rotation := k.floats([]float32{c, -s, s, c}, 2, 2)
	pairs := k.list(two(bindings.Eig(rotation, k.s)))
	for _, values := range []array{pairs[0], k.array(bindings.Eigvals(rotation, k.s))} {
		e := k.elements(values)
		require.InDelta(t, 0.5, e[0], 1e-6)
		require.InDelta(t, 0.5, e[2], 1e-6)
		require.InDelta(t, math.Sqrt(3)/2, math.Abs(e[1]), 1e-6)
		require.InDelta(t, -e[1], e[3], 1e-6)
	}
	// A V = V diag(values).
	left := k.elements(k.product(k.array(bindings.AsType(rotation, bindings.Complex64, k.s)), pairs[1]))
	right := k.elements(k.array(bindings.Multiply(pairs[1], pairs[0], k.s)))
	require.InDeltaSlice(t, left, right, 1e-6)
}

func TestLinearAlgebraFailures(t *testing.T) {
	k := begin(t)
	tall := k.floats([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	calls := map[string]func() error{
		"linalg_inv":  func() error { _, err := bindings.Inv(tall, k.s); return err },
		"linalg_eigh": func() error { _, _, err := bindings.Eigh(tall, "L", k.s); return err },
		"linalg_eig":  func() error { _, _, err := bindings.Eig(tall, k.s); return err },
		"linalg_lu_factor": func() error {
			_, _, err := bindings.LUFactor(k.floats([]float32{1}), k.s)
			return err
		},
		"linalg_qr":      func() error { _, _, err := bindings.QR(k.floats([]float32{1}), k.s); return err },
		"linalg_slogdet": func() error { _, _, err := bindings.Slogdet(tall, k.s); return err },
		"linalg_svd":     func() error { _, err := bindings.SVD(k.ints([]int32{1, 2}, 1, 2), true, k.s); return err },
	}
	for op, call := range calls {
		k.fails(call(), op, "[linalg::", 1)
	}
}
