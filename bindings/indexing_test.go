package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func TestSortingAndSearching(t *testing.T) {
	sorted := func(r refs, a array, err error) ([]array, error) { // MLX leaves the order within a part open
		return one(bindings.SortAxis(r.array(a, err), -1, r.s))
	}
	take := func(r refs, a array, index int32, axis int32) ([]array, error) {
		return one(bindings.TakeAxis(a, r.array(bindings.NewArrayInt(index)), axis, r.s))
	}
	ops{
		"ArgpartitionAxis": func(r refs) ([]array, error) {
			parts := r.array(bindings.ArgpartitionAxis(r.y, 1, 1, r.s))
			return one(bindings.SortAxis(parts, 1, r.s))
		},
		"ArgsortAxis": func(r refs) ([]array, error) { return one(bindings.ArgsortAxis(r.y, 1, r.s)) },
		"Partition": func(r refs) ([]array, error) {
			return take(r, r.array(bindings.Partition(r.v, 2, r.s)), 2, 0)
		},
		"PartitionAxis": func(r refs) ([]array, error) {
			return take(r, r.array(bindings.PartitionAxis(r.y, 1, 1, r.s)), 1, 1)
		},
		"SearchSorted": func(r refs) ([]array, error) { return one(bindings.SearchSorted(r.u, r.v, "left", r.s)) },
		"SearchSortedRight": func(r refs) ([]array, error) {
			return one(bindings.SearchSorted(r.u, r.v, "right", r.s))
		},
		"SortAxis": func(r refs) ([]array, error) { return one(bindings.SortAxis(r.t, 0, r.s)) },
		"TopK": func(r refs) ([]array, error) {
			a, err := bindings.TopK(r.v, 3, r.s)
			return sorted(r, a, err)
		},
		"TopKAxis": func(r refs) ([]array, error) {
			a, err := bindings.TopKAxis(r.y, 2, 1, r.s)
			return sorted(r, a, err)
		},
		"Argpartition": func(r refs) ([]array, error) {
			return take(r, r.array(bindings.Argpartition(r.v, 2, r.s)), 2, 0)
		},
	}.compare(t)
}

func TestIndexing(t *testing.T) {
	column := func(r refs, data ...int32) array { return r.ints(data, int32(len(data)), 1) }
	ops{
		"Diag":     func(r refs) ([]array, error) { return one(bindings.Diag(r.v, 1, r.s)) },
		"Diagonal": func(r refs) ([]array, error) { return one(bindings.Diagonal(r.t, 1, 0, 2, r.s)) },
		"Gather": func(r refs) ([]array, error) {
			return one(bindings.Gather(r.t, []array{r.ints([]int32{2, 0})}, []int32{1}, []int32{2, 1, 4}, r.s))
		},
		"GatherSingle": func(r refs) ([]array, error) {
			return one(bindings.GatherSingle(r.x, r.rows, 0, []int32{1, 3}, r.s))
		},
		"MaskedScatter": func(r refs) ([]array, error) {
			return one(bindings.MaskedScatter(r.x, r.b, r.floats([]float32{10, 20, 30}), r.s))
		},
		"PutAlongAxis": func(r refs) ([]array, error) {
			return one(bindings.PutAlongAxis(r.x, column(r, 0, 2), r.floats([]float32{5, 6}, 2, 1), 1, r.s))
		},
		"Slice": func(r refs) ([]array, error) {
			return one(bindings.Slice(r.t, []int32{0, 0, 1}, []int32{2, 3, 3}, []int32{1, 2, 1}, r.s))
		},
		"SliceDynamic": func(r refs) ([]array, error) {
			return one(bindings.SliceDynamic(r.t, r.ints([]int32{1, 2}), []int32{1, 2}, []int32{2, 2, 2}, r.s))
		},
		"TakeAlongAxis": func(r refs) ([]array, error) {
			return one(bindings.TakeAlongAxis(r.x, column(r, 2, 0), 1, r.s))
		},
		"TakeAxis": func(r refs) ([]array, error) { return one(bindings.TakeAxis(r.x, r.k, 1, r.s)) },
		"Tril":     func(r refs) ([]array, error) { return one(bindings.Tril(r.q, -1, r.s)) },
		"Triu":     func(r refs) ([]array, error) { return one(bindings.Triu(r.q, 1, r.s)) },
		"Where":    func(r refs) ([]array, error) { return one(bindings.Where(r.b, r.x, r.y, r.s)) },
	}.compare(t)
}

func TestScatters(t *testing.T) {
	table := ops{
		"ScatterAddAxis": func(r refs) ([]array, error) {
			index, updates := r.ints([]int32{2, 1}, 2, 1), r.floats([]float32{5, 6}, 2, 1)
			return one(bindings.ScatterAddAxis(r.x, index, updates, 1, r.s))
		},
	}
	updates := func(r refs) array { return r.array(bindings.ExpandDims(r.new, 1, r.s)) } // [2, 1, 3]
	for name, scatter := range map[string]func(array, []array, array, []int32, stream) (array, error){
		"Scatter": bindings.Scatter, "ScatterAdd": bindings.ScatterAdd, "ScatterMax": bindings.ScatterMax,
		"ScatterMin": bindings.ScatterMin, "ScatterProd": bindings.ScatterProd,
	} {
		table[name] = func(r refs) ([]array, error) {
			return one(scatter(r.x, []array{r.rows}, updates(r), []int32{0}, r.s))
		}
	}
	for name, scatter := range map[string]func(a, index, updates array, axis int32, s stream) (array, error){
		"ScatterSingle": bindings.ScatterSingle, "ScatterAddSingle": bindings.ScatterAddSingle,
		"ScatterMaxSingle": bindings.ScatterMaxSingle, "ScatterMinSingle": bindings.ScatterMinSingle,
		"ScatterProdSingle": bindings.ScatterProdSingle,
	} {
		table[name] = func(r refs) ([]array, error) { return one(scatter(r.x, r.rows, updates(r), 0, r.s)) }
	}
	table.compare(t)
}

func TestSliceUpdates(t *testing.T) {
	patch := func(r refs) array { // the first two columns
		return r.array(bindings.Slice(r.new, []int32{0, 0}, []int32{2, 2}, []int32{1, 1}, r.s))
	}
	table := ops{
		"SliceUpdateDynamic": func(r refs) ([]array, error) {
			return one(bindings.SliceUpdateDynamic(r.x, patch(r), r.ints([]int32{1}), []int32{1}, r.s))
		},
	}
	for name, update := range map[string]func(src, update array, start, stop, strides []int32, s stream) (array, error){
		"SliceUpdate": bindings.SliceUpdate, "SliceUpdateAdd": bindings.SliceUpdateAdd,
		"SliceUpdateMax": bindings.SliceUpdateMax, "SliceUpdateMin": bindings.SliceUpdateMin,
		"SliceUpdateProd": bindings.SliceUpdateProd,
	} {
		table[name] = func(r refs) ([]array, error) {
			return one(update(r.x, patch(r), []int32{0, 1}, []int32{2, 3}, []int32{1, 1}, r.s))
		}
	}
	table.compare(t)
}
