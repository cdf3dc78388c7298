#include "rows16.h"

#include "codecs16.h"

namespace gomlx::cpu::GOMLX_ISA {

void rows16(Codec codec, const Rows& job, int64_t from, int64_t to) {
  with_codec16(codec, [&](auto c) { run_rows16<decltype(c)>(job, from, to); });
}

}  // namespace gomlx::cpu::GOMLX_ISA
