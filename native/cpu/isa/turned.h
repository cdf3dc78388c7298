// What W rows of a matrix hold, turned: a vector of what each of them has in one
// place, a lane for each row.
#pragma once

#include "isa.h"
#include "scales.h"
#include "transpose.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// W rows from row on in an array with the stride: the last before to stands for those
// that are missing.
GOMLX_INLINE void rows_of(const uint8_t* p, int64_t stride, int64_t row, int64_t to, const uint8_t* (&out)[W]) {
  for (int r = 0; r < W; r++) out[r] = p + (row + r < to ? row + r : to - 1) * stride;
}

// The scales, or biases, of W rows at p, group by group, a vector in every stride floats.
// What lies next bytes behind them, for the rows to come, is brought into the second cache.
template <ScaleType type>
void turn_scales(int64_t groups, const uint8_t* const (&p)[W], int64_t next, float* out, int stride) {
  for (int64_t g = 0; g < groups; g += W, out += W * stride) {
    vu v[W];
    unroll<W>(GOMLX_EACH(r) {
      v[r] = bits(load_scales(type, p[r], g));
      __builtin_prefetch(p[r] + next + 2 * g, 0, 2);
    });
    transpose(v);
    unroll<W>(GOMLX_EACH(l) { store(out + l * stride, floats(v[l])); });
  }
}

[[gnu::noinline]] void turn_scales(ScaleType type, int64_t groups, const uint8_t* const (&p)[W], int64_t next,
                                   float* out, int stride) {
  with_scale_type(type, [&](auto one) { turn_scales<one>(groups, p, next, out, stride); });
}

// Row i of the totals is what activation m + i gets from rows [row, to) of W.
template <int width>
GOMLX_INLINE void write_turned(const Rows& job, const float (*total)[width], int64_t row, int64_t to, int64_t m,
                               int count) {
  for (int i = 0; i < count; i++) {
    if (job.y_type == Type::f32) {
      std::memcpy(static_cast<float*>(job.y[m + i]) + job.y_from + row, total[i], size_t(to - row) * sizeof(float));
    } else {
      for (int64_t r = row; r < to; r++) cpu::store(job.y[m + i], job.y_type, job.y_from + r, total[i][r - row]);
    }
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
