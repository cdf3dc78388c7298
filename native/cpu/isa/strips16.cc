#include "strips16.h"

#include "codecs16.h"

namespace gomlx::cpu::GOMLX_ISA {

int64_t most_in_strips(Codec codec) {
  int64_t most = 0;
  with_codec16(codec, [&](auto c) { most = decltype(c)::lanewise ? strip_columns : 0; });
  return most;
}

void strips(Codec codec, const Rows& job, int64_t from, int64_t to, float* scratch) {
  with_codec16(codec, [&](auto c) {
    if constexpr (decltype(c)::lanewise) run_strips<decltype(c)>(job, from, to, scratch);
  });
}

int64_t strip_scratch(Codec codec, int64_t k, int group) {
  int64_t floats = 0;
  with_codec16(codec, [&](auto c) { floats = strip_size<decltype(c)>(k, group); });
  return floats;
}

}  // namespace gomlx::cpu::GOMLX_ISA
