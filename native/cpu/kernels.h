// The CPU kernels of go-mlx: pure C++ over plain memory, with no header of MLX.
//
// Matrices are row-major. A weight W is [n, k], one row for each output, as MLX
// lays it out for transpose=true; a product is y = x W^T with x [m, k] and
// y [m, n]. Every product accumulates in float32, whatever the types of x, W
// and y are; with 16-bit activations only y is rounded. No function keeps a
// pointer after it returns, and none throws on sizes that satisfy the comments
// here: the callers check shapes.
#pragma once

#include <cstdint>

#include "pool.h"

namespace gomlx::cpu {

enum class Type : uint8_t { f32, bf16, f16 };

// The quantisation modes of MLX. affine: w = scale * q + bias. mxfp4: e2m1
// elements, a power of two (e8m0) for each group of 32. mxfp8: e4m3 elements,
// scales as mxfp4. nvfp4: e2m1 elements, an e4m3 scale for each group of 16.
enum class Mode : uint8_t { affine, mxfp4, mxfp8, nvfp4 };

// A quantised W [n, k]. The elements of a row are a stream of bits, lowest
// first, so element i lies at bits [i*bits, (i+1)*bits); a row is k*bits/32
// whole words. bits is 2, 3, 4, 5, 6 or 8; group is 16, 32, 64 or 128 and
// divides k; k*bits is a multiple of 32. scales and biases are [n, k/group] of
// scale_type in affine; the other modes have scales of one byte and no biases.
// In affine a W without biases has the middle of its codes for zero: they are
// -2^(bits-1) times the scales. nested says that scales and biases have two levels,
// as the K types of GGUF: group is 16 or 32, k a multiple of 256, and every 256
// elements of a row have a float16 and then 256/group signed bytes, whose products
// with it are the scales.
struct Packed {
  const uint32_t* w;
  const void* scales;
  const void* biases;
  Type scale_type;
  Mode mode;
  int bits, group;
  int64_t n, k;
  bool nested = false;
};

// The rows x [m, k]; row i starts stride elements after row i-1. Where W is
// quantised and exact is not asked for, products may round x to 16 bits first, each group of W's by itself: no number moves by more than 1/65534 of the
// largest of its group, or 2^-127, so that y is off by no more than the sum of
// that times |w|, beside the roundings of float32. A group with an infinity or a
// NaN then makes NaNs of y.
struct Activations {
  const void* x;
  Type type;
  int64_t m, k, stride;
  bool exact = true;
};

// Which rows meet which matrices: output row i is activation row row[i] (row i
// where row is null) times matrix expert[i] of a stack of experts matrices.
struct Gather {
  const uint32_t* row;
  const uint32_t* expert;
  int64_t count, experts;
};

// y [m, n] = x W^T.
void quantized_matmul(const Activations& x, const Packed& w, void* y, Type y_type);

// y [m, n] = x W^T with a dense W [n, k].
void matmul(const Activations& x, const void* w, Type w_type, int64_t n, void* y, Type y_type);

// y [count, n]: each row times its expert's matrix. w.n is the rows of one
// expert; w.w, w.scales and w.biases hold experts of them, one after another.
void gather_quantized_matmul(const Activations& x, const Gather& rows, const Packed& w, void* y,
                             Type y_type);

// y [count, n]: the same with dense matrices w [experts, n, k].
void gather_matmul(const Activations& x, const Gather& rows, const void* w, Type w_type, int64_t n,
                   void* y, Type y_type);

// Rows from up to to of W as float32 [to-from, k]. In affine scale*q + bias is
// rounded once where the processor multiplies and adds in one step, else twice.
void dequantize_rows(const Packed& w, int64_t from, int64_t to, float* out);

// The instruction set in use: avx512, avx2, neon or generic. It is chosen once;
// GO_MLX_CPU_ISA names one that this processor has, and any other value of it
// is ignored.
const char* isa();

}  // namespace gomlx::cpu
