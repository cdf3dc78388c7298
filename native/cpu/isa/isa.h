// What an instruction set offers: one table of functions for each, chosen once.
#pragma once

#include <cstdint>

#include "../kernels.h"

namespace gomlx::cpu {

enum class Codec : uint8_t { affine2, affine3, affine4, affine5, affine6, affine8, e2m1, e4m3, f32, bf16, f16 };
// nested8 and nested16 are two levels, with so many numbers for each 256 elements.
enum class ScaleType : uint8_t { f32, bf16, f16, e8m0, e4m3, nested8, nested16 };

// Kernels read up to so many bytes past the end of a quantised row and past the
// end of its scales and biases: the last rows of a matrix are run from a copy.
constexpr int64_t row_slack = 512, scale_slack = 128;

// Rows of W against count prepared rows of activations: element y_from + r of
// y[i] gets x[i] · W[r].
struct Rows {
  const uint8_t *w, *scales, *biases;
  int64_t w_stride, scale_stride;  // bytes from a row to the next
  ScaleType scale_type;
  int group;
  int64_t k;
  int64_t count;
  const float* const* x;  // count rows as prepare or prepare16 leaves them
  void* const* y;
  Type y_type;
  int64_t y_from;
};

struct Steps;  // step/parts.h

struct Isa {
  const char* name;
  // Floats in a prepared row of k activations, a multiple of the width.
  int64_t (*prepared)(Codec, int64_t k, int group);
  // One row of activations in the codec's order, then the sums of its groups, times bias.
  void (*prepare)(Codec, const void* x, Type, int64_t k, int group, float bias, float* out);
  // Rows [from, to) of W, decoded in registers for each few activations.
  void (*rows)(Codec, const Rows&, int64_t from, int64_t to);
  // The same three for activations that are rounded to 16 bits (prepare16.h).
  // prepared16 is 0 for a codec that has none here.
  int64_t (*prepared16)(Codec, int64_t k, int group);
  void (*prepare16)(Codec, const void* x, Type, int64_t k, int group, float bias, bool by_group, float* out);
  void (*rows16)(Codec, const Rows&, int64_t from, int64_t to);
  // The same for several activations, best for up to most_in_strips, which is 0 for a
  // codec that has none here. The rows are turned in strip_scratch floats.
  int64_t (*most_in_strips)(Codec);
  void (*strips)(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
  int64_t (*strip_scratch)(Codec, int64_t k, int group);
  // The same for many activations: the rows are decoded into panel_scratch floats
  // first. They come in panels of panel_rows; by_group was true.
  int64_t panel_rows;
  void (*panels)(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
  int64_t (*panel_scratch)(Codec, int64_t k, int group, int64_t rows);
  // Products for many activations, as prepare leaves them: a tile of W is decoded into scratch first.
  void (*tile)(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
  // Floats of scratch for a tile of rows times count activations.
  int64_t (*scratch)(Codec, int64_t k, int group, int64_t rows, int64_t count);
  // The kernels of a step, beside the products.
  const Steps* steps;
};

// The table in use.
const Isa& kernels();

}  // namespace gomlx::cpu
