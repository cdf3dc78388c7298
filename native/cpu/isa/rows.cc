#include "rows.h"

#include "codecs.h"

namespace gomlx::cpu::GOMLX_ISA {

void rows(Codec codec, const Rows& job, int64_t from, int64_t to) {
  with_codec(codec, job.group, [&](auto c, auto halves) {
    run_rows<decltype(c), decltype(halves)::value>(job, from, to);
  });
}

}  // namespace gomlx::cpu::GOMLX_ISA
