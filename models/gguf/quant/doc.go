// Package quant turns the tensors of GGUF files into what MLX computes with: [Repack] rewrites quantised blocks as MLX
// affine quantisation without changing a single weight, [Dequantize] expands them to float32.
//
// GGML's legacy types are affine already: every block of 32 elements holds integers q and a float16 scale d, and the
// weight is d*q + m, where m is stored (Q4_1, Q5_1) or implied by the middle of the integer range (Q4_0: -8d,
// Q5_0: -16d, Q8_0: -128d with q shifted to be unsigned). MLX's affine mode with groups of 32 has the same form,
// w = scale*q + bias, so the mapping is exact; only the order of the bits differs. Within a block GGML keeps element j
// and element j+16 in one byte, and the fifth bits in a word of their own; MLX packs the elements of a row in order,
// from the lowest bit up, into 32-bit words.
//
// Both functions spread rows over a bounded number of goroutines and can write rows in another order on the way, which
// is how the query and key projections of llama files are put right (see [HalvesFromPairs]).
package quant
