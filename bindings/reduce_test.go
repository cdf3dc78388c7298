package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func TestReductions(t *testing.T) {
	table := ops{}
	add := func(name, in string,
		whole func(array, bool, stream) (array, error),
		axes func(array, []int32, bool, stream) (array, error),
		axis func(array, int32, bool, stream) (array, error),
	) {
		last := int32(2)
		if in == "b" {
			last = 1
		}
		table[name] = func(r refs) ([]array, error) { return one(whole(r.upload(r.inputs[in]), false, r.s)) }
		table[name+"Axes"] = func(r refs) ([]array, error) {
			return one(axes(r.upload(r.inputs[in]), []int32{0, last}, true, r.s))
		}
		table[name+"Axis"] = func(r refs) ([]array, error) { return one(axis(r.upload(r.inputs[in]), 1, false, r.s)) }
	}
	add("All", "b", bindings.All, bindings.AllAxes, bindings.AllAxis)
	add("Any", "b", bindings.Any, bindings.AnyAxes, bindings.AnyAxis)
	add("CountNonzero", "b", bindings.CountNonzero, bindings.CountNonzeroAxes, bindings.CountNonzeroAxis)
	add("LogSumExp", "t", bindings.LogSumExp, bindings.LogSumExpAxes, bindings.LogSumExpAxis)
	add("Max", "t", bindings.Max, bindings.MaxAxes, bindings.MaxAxis)
	add("Mean", "t", bindings.Mean, bindings.MeanAxes, bindings.MeanAxis)
	add("Median", "t", bindings.Median, bindings.MedianAxes, bindings.MedianAxis)
	add("Min", "t", bindings.Min, bindings.MinAxes, bindings.MinAxis)
	add("Prod", "t", bindings.Prod, bindings.ProdAxes, bindings.ProdAxis)
	add("Softmax", "t", bindings.Softmax, bindings.SoftmaxAxes, bindings.SoftmaxAxis)
	add("Sum", "t", bindings.Sum, bindings.SumAxes, bindings.SumAxis)
	table.compare(t)
}

func TestSpreadsAndPositions(t *testing.T) {
	ops{
		"Std":        func(r refs) ([]array, error) { return one(bindings.Std(r.t, false, 0, r.s)) },
		"StdAxes":    func(r refs) ([]array, error) { return one(bindings.StdAxes(r.t, []int32{0, 2}, true, 1, r.s)) },
		"StdAxis":    func(r refs) ([]array, error) { return one(bindings.StdAxis(r.t, 1, false, 1, r.s)) },
		"Var":        func(r refs) ([]array, error) { return one(bindings.Var(r.t, false, 0, r.s)) },
		"VarAxes":    func(r refs) ([]array, error) { return one(bindings.VarAxes(r.t, []int32{0, 2}, true, 1, r.s)) },
		"VarAxis":    func(r refs) ([]array, error) { return one(bindings.VarAxis(r.t, 1, false, 1, r.s)) },
		"Argmax":     func(r refs) ([]array, error) { return one(bindings.Argmax(r.y, true, r.s)) },
		"ArgmaxAxis": func(r refs) ([]array, error) { return one(bindings.ArgmaxAxis(r.y, 1, false, r.s)) },
		"Argmin":     func(r refs) ([]array, error) { return one(bindings.Argmin(r.y, true, r.s)) },
		"ArgminAxis": func(r refs) ([]array, error) { return one(bindings.ArgminAxis(r.y, 1, false, r.s)) },
	}.compare(t)
}

func TestCumulations(t *testing.T) {
	keep := bindings.OptionalDtype{}
	ops{
		"Cummax":     func(r refs) ([]array, error) { return one(bindings.Cummax(r.v, false, true, r.s)) },
		"CummaxAxis": func(r refs) ([]array, error) { return one(bindings.CummaxAxis(r.y, 1, true, false, r.s)) },
		"Cummin":     func(r refs) ([]array, error) { return one(bindings.Cummin(r.v, false, true, r.s)) },
		"CumminAxis": func(r refs) ([]array, error) { return one(bindings.CumminAxis(r.y, 1, true, false, r.s)) },
		"Cumprod":    func(r refs) ([]array, error) { return one(bindings.Cumprod(r.v, false, true, keep, r.s)) },
		"CumprodAxis": func(r refs) ([]array, error) {
			return one(bindings.CumprodAxis(r.y, 1, true, false, keep, r.s))
		},
		"Cumsum":     func(r refs) ([]array, error) { return one(bindings.Cumsum(r.v, false, true, keep, r.s)) },
		"CumsumAxis": func(r refs) ([]array, error) { return one(bindings.CumsumAxis(r.y, 1, true, false, keep, r.s)) },
		"CumsumDtype": func(r refs) ([]array, error) {
			dtype := bindings.OptionalDtype{Value: bindings.Float32, Valid: true}
			return one(bindings.CumsumAxis(r.i, 0, false, true, dtype, r.s))
		},
		"LogCumsumExp": func(r refs) ([]array, error) { return one(bindings.LogCumsumExp(r.v, false, true, r.s)) },
		"LogCumsumExpAxis": func(r refs) ([]array, error) {
			return one(bindings.LogCumsumExpAxis(r.y, 1, true, false, r.s))
		},
	}.compare(t)
}
