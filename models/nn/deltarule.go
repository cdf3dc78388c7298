package nn

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// deltaSteps is up to how many positions run one after the other: longer
// sequences run in chunks.
const deltaSteps = 4

// DeltaRule is the gated delta rule, by which a head folds a sequence into a
// matrix S [Dv, Dk]:
//
//	S <- S - beta (S k - v) k^T  where before  S <- exp(decay) S,    y = S q
//
// Yang et al., 2024, https://arxiv.org/abs/2412.06464. A head of Q and K serves
// Hv/Hk neighbouring heads of V. A position with a decay and a beta of 0 leaves S
// as it is. As mlx_lm.models.gated_delta.gated_delta_ops, whose g is exp(decay).
type DeltaRule struct {
	Q, K  mlx.Array // [B, L, Hk, Dk]
	V     mlx.Array // [B, L, Hv, Dv]
	Decay mlx.Array // [B, L, Hv], at most 0
	Beta  mlx.Array // [B, L, Hv]
}

// deltaSizes are the sizes of a DeltaRule; shared is Hv/Hk.
type deltaSizes struct {
	batch, length, heads, shared, keyDim, valueDim int
}

// Forward starts from state [B, Hv, Dv, Dk], zeros where that is null, and returns
// y [B, L, Hv, Dv] in the dtype of Q, and the state after the sequence. All is
// computed in float32.
func (d DeltaRule) Forward(s *mlx.Scope, state mlx.Array) (y, next mlx.Array) {
	n := d.sizes(s, state)
	if s.Err() != nil {
		return mlx.Array{}, mlx.Array{}
	}
	dtype := s.DtypeOf(d.Q)
	for _, x := range []*mlx.Array{&d.Q, &d.K, &d.V, &d.Decay, &d.Beta} {
		*x = s.AsType(*x, mlx.Float32)
	}
	if state.IsNull() {
		state = s.Zeros(n.state(), mlx.Float32)
	}
	if n.length > deltaSteps {
		y, next = d.chunks(s, n, state)
	} else {
		y, next = d.steps(s, n, state)
	}
	return s.AsType(y, dtype), s.Reshape(next, n.state()...)
}

// state is the shape of a state.
func (n deltaSizes) state() []int { return []int{n.batch, n.heads * n.shared, n.valueDim, n.keyDim} }

// sizes fails the Build unless all shapes fit.
func (d DeltaRule) sizes(s *mlx.Scope, state mlx.Array) (n deltaSizes) {
	q, v := s.Shape(d.Q), s.Shape(d.V)
	if !wantDims(s, "DeltaRule", q, 4, 4) || !wantDims(s, "DeltaRule", v, 4, 4) {
		return n
	}
	if q[2] == 0 || v[2]%q[2] != 0 || v[1] == 0 {
		s.Fail(fmt.Errorf("nn: DeltaRule: no sequences of queries %v and values %v", q, v))
		return n
	}
	n = deltaSizes{batch: v[0], length: v[1], heads: q[2], shared: v[2] / q[2], keyDim: q[3], valueDim: v[3]}
	wants := []struct {
		what string
		x    mlx.Array
		want []int
	}{{"queries", d.Q, []int{v[0], v[1], q[2], q[3]}}, {"keys", d.K, q}, {"decay", d.Decay, v[:3]}, {"beta", d.Beta, v[:3]}, {"state", state, n.state()}}
	for _, w := range wants {
		if w.what == "state" && state.IsNull() {
			continue
		}
		if have := s.Shape(w.x); s.Err() == nil && !slices.Equal(have, w.want) {
			s.Fail(fmt.Errorf("nn: DeltaRule: %s of shape %v, want %v", w.what, have, w.want))
		}
	}
	return n
}

// steps runs position after position.
func (d DeltaRule) steps(s *mlx.Scope, n deltaSizes, state mlx.Array) (y, next mlx.Array) {
	row := []int{n.batch, n.heads, 1, 1, n.keyDim}
	column := []int{n.batch, n.heads, n.shared, n.valueDim, 1}
	number := []int{n.batch, n.heads, n.shared, 1, 1}
	state = s.Reshape(state, n.batch, n.heads, n.shared, n.valueDim, n.keyDim)
	q, k, v := s.Split(d.Q, n.length, 1), s.Split(d.K, n.length, 1), s.Split(d.V, n.length, 1)
	decay, beta := s.Split(s.Exp(d.Decay), n.length, 1), s.Split(d.Beta, n.length, 1)
	var out []mlx.Array
	for t := 0; t < n.length && s.Err() == nil; t++ {
		key := s.Reshape(k[t], row...)
		state = s.Multiply(state, s.Reshape(decay[t], number...))
		error := s.Subtract(s.Reshape(v[t], column...), s.Matmul(state, s.SwapAxes(key, -1, -2)))
		state = s.Addmm(state, s.Multiply(error, s.Reshape(beta[t], number...)), key, 1, 1)
		y := s.Matmul(state, s.SwapAxes(s.Reshape(q[t], row...), -1, -2)) // [B, Hk, Hv/Hk, Dv, 1]
		out = append(out, s.Reshape(y, n.batch, 1, n.heads*n.shared, n.valueDim))
	}
	return concat(s, out, 1), state
}

// concat joins arrays along an axis; one alone stays as it is.
func concat(s *mlx.Scope, parts []mlx.Array, axis int) mlx.Array {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.ConcatenateAxis(parts, axis)
}
