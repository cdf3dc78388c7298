package nn

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LoRA is a low-rank product beside that of a layer, y = x W^T + Scale (x A) B: Hu
// et al., 2021, https://arxiv.org/abs/2106.09685. With a magnitude it is DoRA,
// where the rows of W + Scale (A B)^T are brought to the lengths M: Liu et al.,
// 2024, https://arxiv.org/abs/2402.09353. Reference: mlx_lm/tuner/lora.py, dora.py.
type LoRA struct {
	Rank    int
	Scale   float64
	Dropout float64 // share of x that is left out of the product: see Dropping

	experts int // of a SwitchLinear, else 0
	in, out int
	rows    bool      // of an embedding: A has a row for each row of W
	untied  bool      // see Adapter
	beside  lengthy   // the layer's own weight
	a, b    Param     // [in, r] and [r, out]; of experts [E, r, in] and [E, out, r]
	m       Param     // [out], of experts [E, out]; null for LoRA
	ratio   Param     // M over the lengths, as M; null where M is trained
	squares Param     // of the lengths of W's rows, as M; null where they are not known to stay
	key     mlx.Array // of this step's dropout; null drops nothing
}

// lengthy is a weight [out, in], of experts [E, out, in], whose rows DoRA measures.
type lengthy interface {
	// dense is the weight as numbers.
	dense(s *mlx.Scope) mlx.Array
	// times is u W^T [..., r, out] by a few rows u [..., r, in].
	times(s *mlx.Scope, u mlx.Array) mlx.Array
}

// add adds the product to y = x W^T. r may be nil.
func (r *LoRA) add(s *mlx.Scope, x, y mlx.Array) mlx.Array {
	if r == nil || r.rows && r.untied {
		return y
	}
	a, b := r.a.Array(), r.b.Array()
	if r.rows { // as an output layer
		a, b = s.Transpose(b), s.Transpose(a)
	}
	y = s.Add(y, r.scaled(s, s.Matmul(s.Matmul(r.drop(s, x), a), b), y))
	return r.magnified(s, y, r.magnitude(s))
}

// gather adds the product of each row's expert to y, as SwitchLinear has it.
func (r *LoRA) gather(s *mlx.Scope, x, y mlx.Array, routes Routes) mlx.Array {
	if r == nil {
		return y
	}
	z := gatherMM(s, r.drop(s, x), s.SwapAxes(r.a.Array(), -2, -1), routes)
	y = s.Add(y, r.scaled(s, gatherMM(s, z, s.SwapAxes(r.b.Array(), -2, -1), routes), y))
	m := r.magnitude(s)
	if m.IsNull() {
		return y
	}
	return r.magnified(s, y, s.ExpandDims(s.TakeAxis(m, routes.indices, 0), -2)) // [..., 1, out]
}

// addRows adds the product to the rows y of the ids of an embedding.
func (r *LoRA) addRows(s *mlx.Scope, ids, y mlx.Array) mlx.Array {
	if r == nil {
		return y
	}
	z := s.Matmul(s.TakeAxis(r.a.Array(), ids, 0), r.b.Array())
	adapted := s.Add(y, r.scaled(s, r.drop(s, z), y))
	switch {
	case r.m.Array().IsNull():
		return adapted
	case !r.ratio.Array().IsNull():
		return r.magnified(s, adapted, s.ExpandDims(s.TakeAxis(r.ratio.Array(), ids, 0), -1))
	}
	lengths := s.NormL2(s.Add(y, r.scaled(s, z, y)), []int{-1}, true) // of these rows alone
	m := s.ExpandDims(s.TakeAxis(r.m.Array(), ids, 0), -1)
	return r.magnified(s, adapted, s.Divide(m, s.StopGradient(lengths)))
}

func (r *LoRA) scaled(s *mlx.Scope, z, y mlx.Array) mlx.Array {
	return s.AsType(s.Multiply(z, s.Scalar(r.Scale, s.DtypeOf(z))), s.DtypeOf(y))
}

// magnified is y by the magnitudes m, in the dtype of y; m may be null.
func (r *LoRA) magnified(s *mlx.Scope, y, m mlx.Array) mlx.Array {
	if m.IsNull() {
		return y
	}
	return s.Multiply(s.AsType(m, s.DtypeOf(y)), y)
}

// drop drops values of x where a step says so.
func (r *LoRA) drop(s *mlx.Scope, x mlx.Array) mlx.Array {
	if r.key.IsNull() {
		return x
	}
	return drop(s, x, r.Dropout, mlx.KeysFrom(r.key), 0)
}

// magnitude is M over the lengths of the adapted rows, null for LoRA.
func (r *LoRA) magnitude(s *mlx.Scope) mlx.Array {
	if r.m.Array().IsNull() || !r.ratio.Array().IsNull() {
		return r.ratio.Array()
	}
	return s.Divide(r.m.Array(), s.StopGradient(s.Sqrt(r.adaptedSquares(s))))
}

// adaptedSquares are the squared lengths of the rows of W + Scale (A B)^T. With the
// rows of u and v for A and B, those are |w|^2 + 2 Scale (u w)v + Scale^2 v(u u^T)v:
// nothing of the size of W is made.
func (r *LoRA) adaptedSquares(s *mlx.Scope) mlx.Array {
	squares := r.squares.Array()
	if squares.IsNull() {
		squares = squaresOf(s, r.beside)
	}
	u, v := s.SwapAxes(r.a.Array(), -2, -1), r.b.Array() // [r, in] and [r, out]
	switch {
	case r.experts > 0:
		u, v = r.a.Array(), s.SwapAxes(r.b.Array(), -2, -1)
	case r.rows:
		u, v = v, u
	}
	u, v = s.AsType(s.StopGradient(u), mlx.Float32), s.AsType(s.StopGradient(v), mlx.Float32)
	cross := s.AsType(r.beside.times(s, u), mlx.Float32)
	own := s.Matmul(s.Matmul(u, s.SwapAxes(u, -2, -1)), v)
	scale := s.Scalar(r.Scale, mlx.Float32)
	change := s.Multiply(scale, s.Add(s.Add(cross, cross), s.Multiply(scale, own)))
	return s.Add(squares, s.SumAxis(s.Multiply(change, v), -2, false))
}

// squaresOf are the squared lengths of the rows of w.
func squaresOf(s *mlx.Scope, w lengthy) mlx.Array {
	return s.SumAxis(s.Square(s.AsType(w.dense(s), mlx.Float32)), -1, false)
}

// shapes are those of A, B and M.
func (r *LoRA) shapes() (a, b, m []int) {
	switch {
	case r.experts > 0:
		return []int{r.experts, r.Rank, r.in}, []int{r.experts, r.out, r.Rank}, []int{r.experts, r.out}
	case r.rows:
		return []int{r.in, r.Rank}, []int{r.Rank, r.out}, []int{r.in}
	}
	return []int{r.in, r.Rank}, []int{r.Rank, r.out}, []int{r.out}
}

// params lists A, B and M of the layer of that name. r may be nil.
func (r *LoRA) params(name string) []spec {
	if r == nil {
		return nil
	}
	a, b, m := r.shapes()
	specs := []spec{
		{name: join(name, "lora_a"), param: &r.a, shape: a, init: r.initial()},
		{name: join(name, "lora_b"), param: &r.b, shape: b, init: initializer.Zeros()},
	}
	if !r.m.Array().IsNull() {
		specs = append(specs, spec{name: join(name, "m"), param: &r.m, shape: m, init: initializer.Ones()})
	}
	return specs
}

// initial draws A as mlx-lm does; B is zero at first.
func (r *LoRA) initial() initializer.Func {
	return initializer.Uniform(-1/math.Sqrt(float64(r.in)), 1/math.Sqrt(float64(r.in)))
}
