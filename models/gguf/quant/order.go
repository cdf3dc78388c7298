package quant

import "fmt"

// HalvesFromPairs returns the row order that undoes the permutation of llama's query and key projections in GGUF.
//
// llama.cpp rotates neighbouring elements (2i, 2i+1) of a head, the original model rotates element i with element
// i+headDim/2, and its converter reorders the rows of both projections to match. Row r of the original is row
// HalvesFromPairs(...)[r] of the file. Give it to [WithRowOrder] or [PermuteRows].
func HalvesFromPairs(heads, headDim int) ([]int, error) {
	if heads <= 0 || headDim <= 0 || headDim%2 != 0 || heads > maxElements/headDim {
		return nil, fmt.Errorf("quant: %d heads of %d rows have no halves", heads, headDim)
	}
	order := make([]int, 0, heads*headDim)
	for h := range heads {
		for half := range 2 {
			for i := range headDim / 2 {
				order = append(order, h*headDim+2*i+half)
			}
		}
	}
	return order, nil
}

// PermuteRows copies src to dst so that row r of dst is row order[r] of src; rows are len(src)/len(order) elements
// long. It serves dense weights, raw bytes and packed words alike. dst and src must not overlap.
func PermuteRows[T any](dst, src []T, order []int) error {
	if len(dst) != len(src) || len(order) == 0 || len(src)%len(order) != 0 {
		return fmt.Errorf("quant: permute rows: %d elements to %d in %d rows", len(src), len(dst), len(order))
	}
	if err := checkOrder(order, len(order)); err != nil {
		return fmt.Errorf("quant: permute rows: %w", err)
	}
	width := len(src) / len(order)
	for r, from := range order {
		copy(dst[r*width:(r+1)*width], src[from*width:])
	}
	return nil
}

// Permuted returns a copy of a whose row r is row order[r] of a.
func (a *Affine) Permuted(order []int) (*Affine, error) {
	if err := checkOrder(order, a.Rows); err != nil {
		return nil, fmt.Errorf("quant: permute rows: %w", err)
	}
	out := &Affine{Bits: a.Bits, GroupSize: a.GroupSize, Rows: a.Rows, Cols: a.Cols}
	out.Weight = permuted(a.Weight, order)
	out.Scales, out.Biases = permuted(a.Scales, order), permuted(a.Biases, order)
	out.HalfScales, out.HalfBiases = permuted(a.HalfScales, order), permuted(a.HalfBiases, order)
	return out, nil
}

func permuted[T any](s []T, order []int) []T {
	if s == nil {
		return nil
	}
	width := len(s) / len(order)
	out := make([]T, 0, len(s))
	for _, from := range order {
		out = append(out, s[from*width:(from+1)*width]...)
	}
	return out
}

// checkOrder demands every row exactly once.
func checkOrder(order []int, rows int) error {
	if len(order) != rows {
		return fmt.Errorf("an order of %d rows for %d rows", len(order), rows)
	}
	seen := make([]bool, rows)
	for i, r := range order {
		if r < 0 || r >= rows || seen[r] {
			return fmt.Errorf("entry %d of the order is row %d, which is out of range or there twice", i, r)
		}
		seen[r] = true
	}
	return nil
}
