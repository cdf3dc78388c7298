package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func TestConstructionOps(t *testing.T) {
	const f32, i32 = bindings.Float32, bindings.Int32
	ops{
		"Arange":   func(r refs) ([]array, error) { return one(bindings.Arange(1, 3, 0.5, f32, r.s)) },
		"AsType":   func(r refs) ([]array, error) { return one(bindings.AsType(r.y, i32, r.s)) },
		"Bartlett": func(r refs) ([]array, error) { return one(bindings.Bartlett(5, r.s)) },
		"Blackman": func(r refs) ([]array, error) { return one(bindings.Blackman(5, r.s)) },
		"Eye":      func(r refs) ([]array, error) { return one(bindings.Eye(3, 4, 1, f32, r.s)) },
		"FromFP8": func(r refs) ([]array, error) {
			return one(bindings.FromFP8(r.array(bindings.ToFP8(r.x, r.s)), f32, r.s))
		},
		"Full": func(r refs) ([]array, error) {
			return one(bindings.Full([]int32{2, 3}, r.array(bindings.NewArrayFloat(1.5)), f32, r.s))
		},
		"FullLike": func(r refs) ([]array, error) {
			return one(bindings.FullLike(r.i, r.array(bindings.NewArrayFloat(2.5)), f32, r.s))
		},
		"Hamming":  func(r refs) ([]array, error) { return one(bindings.Hamming(5, r.s)) },
		"Hanning":  func(r refs) ([]array, error) { return one(bindings.Hanning(5, r.s)) },
		"Identity": func(r refs) ([]array, error) { return one(bindings.Identity(3, f32, r.s)) },
		"Linspace": func(r refs) ([]array, error) { return one(bindings.Linspace(0, 1, 5, f32, r.s)) },
		"LinspaceEndpoint": func(r refs) ([]array, error) {
			return one(bindings.LinspaceEndpoint(0, 1, 5, false, f32, r.s))
		},
		"Meshgrid": func(r refs) ([]array, error) {
			v := r.array(bindings.Slice(r.v, []int32{0}, []int32{2}, []int32{1}, r.s))
			u := r.array(bindings.Slice(r.u, []int32{0}, []int32{3}, []int32{1}, r.s))
			return bindings.Meshgrid([]array{v, u}, false, "ij", r.s)
		},
		"Ones":           func(r refs) ([]array, error) { return one(bindings.Ones([]int32{2, 3}, f32, r.s)) },
		"OnesLikeDtype":  func(r refs) ([]array, error) { return one(bindings.OnesLikeDtype(r.x, i32, r.s)) },
		"Tri":            func(r refs) ([]array, error) { return one(bindings.Tri(3, 4, 1, f32, r.s)) },
		"View":           func(r refs) ([]array, error) { return one(bindings.View(r.x, i32, r.s)) },
		"Zeros":          func(r refs) ([]array, error) { return one(bindings.Zeros([]int32{2, 3}, f32, r.s)) },
		"ZerosLikeDtype": func(r refs) ([]array, error) { return one(bindings.ZerosLikeDtype(r.x, i32, r.s)) },
	}.compare(t)
}

func TestShapeOps(t *testing.T) {
	front := func(r refs) array { return r.array(bindings.ExpandDims(r.x, 0, r.s)) } // [1, 2, 3]
	ops{
		"AsStrided": func(r refs) ([]array, error) {
			return one(bindings.AsStrided(r.u, []int32{2, 2}, []int64{1, 2}, 1, r.s))
		},
		"BroadcastTo": func(r refs) ([]array, error) {
			return one(bindings.BroadcastTo(r.x, []int32{2, 2, 3}, r.s))
		},
		"Concatenate": func(r refs) ([]array, error) { return one(bindings.Concatenate([]array{r.x, r.y}, r.s)) },
		"ConcatenateAxis": func(r refs) ([]array, error) {
			return one(bindings.ConcatenateAxis([]array{r.x, r.y}, 1, r.s))
		},
		"Contiguous": func(r refs) ([]array, error) { return one(bindings.Contiguous(r.x, false, r.s)) },
		"ExpandDims": func(r refs) ([]array, error) { return one(bindings.ExpandDims(r.x, 1, r.s)) },
		"ExpandDimsAxes": func(r refs) ([]array, error) {
			return one(bindings.ExpandDimsAxes(r.x, []int32{0, 3}, r.s))
		},
		"Flatten":  func(r refs) ([]array, error) { return one(bindings.Flatten(r.x, 0, -1, r.s)) },
		"FlipAxes": func(r refs) ([]array, error) { return one(bindings.FlipAxes(r.t, []int32{0, 2}, r.s)) },
		"FlipAxis": func(r refs) ([]array, error) { return one(bindings.FlipAxis(r.x, 1, r.s)) },
		"MoveAxis": func(r refs) ([]array, error) { return one(bindings.MoveAxis(r.t, 0, 2, r.s)) },
		"Pad": func(r refs) ([]array, error) {
			seven := r.array(bindings.NewArrayFloat(7))
			return one(bindings.Pad(r.x, []int32{0, 1}, []int32{1, 0}, []int32{2, 1}, seven, "constant", r.s))
		},
		"PadSymmetric": func(r refs) ([]array, error) {
			return one(bindings.PadSymmetric(r.x, 1, r.array(bindings.NewArrayFloat(0)), "edge", r.s))
		},
		"Repeat":     func(r refs) ([]array, error) { return one(bindings.Repeat(r.x, 2, r.s)) },
		"RepeatAxis": func(r refs) ([]array, error) { return one(bindings.RepeatAxis(r.x, 2, 1, r.s)) },
		"Reshape":    func(r refs) ([]array, error) { return one(bindings.Reshape(r.x, []int32{3, -1}, r.s)) },
		"Roll":       func(r refs) ([]array, error) { return one(bindings.Roll(r.x, []int32{1}, r.s)) },
		"RollAxes": func(r refs) ([]array, error) {
			return one(bindings.RollAxes(r.x, []int32{1, 2}, []int32{0, 1}, r.s))
		},
		"RollAxis":    func(r refs) ([]array, error) { return one(bindings.RollAxis(r.x, []int32{1}, 1, r.s)) },
		"Squeeze":     func(r refs) ([]array, error) { return one(bindings.Squeeze(front(r), r.s)) },
		"SqueezeAxes": func(r refs) ([]array, error) { return one(bindings.SqueezeAxes(front(r), []int32{0}, r.s)) },
		"SqueezeAxis": func(r refs) ([]array, error) { return one(bindings.SqueezeAxis(front(r), 0, r.s)) },
		"Stack":       func(r refs) ([]array, error) { return one(bindings.Stack([]array{r.x, r.y}, r.s)) },
		"StackAxis":   func(r refs) ([]array, error) { return one(bindings.StackAxis([]array{r.x, r.y}, 2, r.s)) },
		"SwapAxes":    func(r refs) ([]array, error) { return one(bindings.SwapAxes(r.t, 0, 2, r.s)) },
		"Tile":        func(r refs) ([]array, error) { return one(bindings.Tile(r.x, []int32{2, 1}, r.s)) },
		"TransposeAxes": func(r refs) ([]array, error) {
			return one(bindings.TransposeAxes(r.t, []int32{2, 0, 1}, r.s))
		},
		"Unflatten": func(r refs) ([]array, error) { return one(bindings.Unflatten(r.t, 2, []int32{2, 2}, r.s)) },
	}.compare(t)
}

// Operations that return lists.
func TestVectorOps(t *testing.T) {
	ops{
		"BroadcastArrays": func(r refs) ([]array, error) {
			row := r.array(bindings.Slice(r.v, []int32{0}, []int32{3}, []int32{1}, r.s))
			return bindings.BroadcastArrays([]array{r.x, row}, r.s)
		},
		"Depends":       func(r refs) ([]array, error) { return bindings.Depends([]array{r.x, r.y}, []array{r.p}) },
		"Divmod":        func(r refs) ([]array, error) { return bindings.Divmod(r.i, r.j, r.s) },
		"Split":         func(r refs) ([]array, error) { return bindings.Split(r.x, 3, 1, r.s) },
		"SplitSections": func(r refs) ([]array, error) { return bindings.SplitSections(r.v, []int32{1, 4}, 0, r.s) },
		"Unstack":       func(r refs) ([]array, error) { return bindings.Unstack(r.x, r.s) },
		"UnstackAxis":   func(r refs) ([]array, error) { return bindings.UnstackAxis(r.x, 1, r.s) },
	}.compare(t)
}
