// Package quant turns the tensors of GGUF files into what MLX computes with: [Repack] rewrites quantised blocks as MLX
// affine quantisation, [RepackMXFP4] as MLX's mode mxfp4, [Dequantize] expands them to float32, always exactly.
//
// GGML's legacy types are affine already: every block of 32 elements holds integers q and a float16 scale d, and the
// weight is d*q + m, where m is stored (Q4_1, Q5_1) or implied by the middle of the integer range (Q4_0: -8d,
// Q5_0: -16d, Q8_0: -128d with q shifted to be unsigned). MLX's affine mode with groups of 32 has the same form,
// w = scale*q + bias, so the mapping is exact; only the order of the bits differs. Within a block GGML keeps element j
// and element j+16 in one byte, and the fifth bits in a word of their own; MLX packs the elements of a row in order,
// from the lowest bit up, into 32-bit words.
//
// The K types have blocks of 256 with a scale, and in Q2_K, Q4_K and Q5_K a minimum, for each 16 or 32 elements; these
// are small integers times a float16, products that float32 holds. IQ4_NL and IQ4_XS look their weights up among
// sixteen integers. What becomes of them (the error is the root mean square of the differences as a share of that of
// the weights, measured for weights that ggml quantised):
//
//	Q4_K      4 bits, groups of 32    exact
//	Q5_K      5 bits, groups of 32    exact
//	IQ4_NL    8 bits, groups of 32    exact: the sixteen integers are among the 256
//	IQ4_XS    8 bits, groups of 32    exact
//	Q3_K      8 bits, groups of 128   exact: integer times scale is at most 128
//	Q6_K      8 bits, groups of 32    error 0.35% to 0.4%; half of the weights exact
//	Q2_K      8 bits, groups of 32    error 0.3%; half of the weights exact
//	MXFP4     mxfp4                   exact
//
// [WithFineGroups] makes groups of 16 of Q3_K, Q6_K and Q2_K, in 3, 6 and 2 bits, all of them exact; our
// own kernels for a CPU compute with those, MLX's operations do not. [WithCompactScales] is for them too: there the scales
// take what they take in the file.
//
// For comparison: rounding weights to bfloat16 is an error of 0.17%, and Q6_K itself is one of 2%, Q2_K of 30%. Exact means
// with float32 scales and biases; those of the legacy types and of IQ4_NL are exact as float16 too.
//
// The other way, [Quantize] writes float32 values as the blocks of a type, as ggml's reference functions do, and [QuantizeAffine]
// and [QuantizeMXFP4] write MLX's forms, whose groups become the same blocks where there are such.
//
// All functions spread rows over a bounded number of goroutines and can write rows in another order on the way, which
// is how the query and key projections of llama files are put right (see [HalvesFromPairs]).
package quant
