package quant

import "math"

// Q2_K and Q6_K give every 16 elements a scale, MLX's smallest affine group has 32. fitGrids puts both grids of values
// onto one finer grid of 256 points: a whole number of its steps makes up a step of the coarser grid, whose values are
// thereby kept; those of the other one move by at most half a fine step.

func fitGrids(sb *superblock, q *[256]uint8, scales, biases []float32) {
	var values [256]float32
	sb.expand(values[:])
	for g := range scales {
		a, b := 2*g, 2*g+1
		lo, hi := sb.span(a)
		loB, hiB := sb.span(b)
		if size(sb.d[b]) > size(sb.d[a]) {
			a = b
		}
		step, bias := fineGrid(size(sb.d[a]), float64(-sb.m[a]), min(lo, loB), max(hi, hiB))
		scales[g], biases[g] = float32(step), float32(bias)
		nearest(q[32*g:32*g+32], values[32*g:32*g+32], step, bias)
	}
}

func size(v float32) float64 { return math.Abs(float64(v)) }

// span returns the lowest and the highest weight of sub-block j.
func (sb *superblock) span(j int) (lo, hi float64) {
	first, last := sb.q[16*j], sb.q[16*j]
	for _, q := range sb.q[16*j : 16*j+16] {
		first, last = min(first, q), max(last, q)
	}
	x, y := float64(sb.d[j]*float32(first)-sb.m[j]), float64(sb.d[j]*float32(last)-sb.m[j])
	return min(x, y), max(x, y)
}

// fineGrid returns step and lowest point of 256 points that cover lo to hi, with origin among them and coarse a whole
// number of steps, where the coarse step is not too small for that.
func fineGrid(coarse, origin, lo, hi float64) (step, bias float64) {
	if hi == lo {
		return 0, lo
	}
	parts := int(254 * coarse / (hi - lo)) // one point less: the lowest has its place from origin
	if parts < 1 {
		return (hi - lo) / 255, lo
	}
	step = coarse / float64(min(parts, 255))
	return step, origin + math.Floor((lo-origin)/step+1e-6)*step
}

// nearest writes the indices of the points next to values.
func nearest(q []uint8, values []float32, step, bias float64) {
	if step == 0 {
		clear(q)
		return
	}
	inverse := 1 / step
	for i, v := range values {
		q[i] = uint8(min(max(int((float64(v)-bias)*inverse+0.5), 0), 255))
	}
}
