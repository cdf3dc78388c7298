#include "tile.h"

#include "codecs.h"

namespace gomlx::cpu::GOMLX_ISA {

void tile(Codec codec, const Rows& job, int64_t from, int64_t to, float* scratch) {
  with_codec(codec, job.group, [&](auto c, auto halves) {
    run_tile<decltype(c), decltype(halves)::value>(job, from, to, scratch);
  });
}

int64_t scratch(Codec codec, int64_t k, int group, int64_t rows, int64_t count) {
  return rows * (prepared(codec, k, group) + count);
}

}  // namespace gomlx::cpu::GOMLX_ISA
