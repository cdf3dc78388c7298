// The choice of an instruction set, by what the processor says of itself.
#include <cstdlib>
#include <cstring>

#include "isa.h"

namespace gomlx::cpu {

#define GOMLX_DECLARE(isa) \
  namespace isa {          \
  extern const Isa table;  \
  }
GOMLX_DECLARE(generic)
#if defined(__x86_64__)
GOMLX_DECLARE(avx2)
GOMLX_DECLARE(avx512)
#elif defined(__aarch64__)
GOMLX_DECLARE(neon)
#endif
#if defined(GOMLX_CPU_PLAIN)
GOMLX_DECLARE(plain16)
#endif

namespace {

struct Choice {
  const Isa* table;
  bool (*runs)();
};

bool always() { return true; }

// The best first.
const Choice choices[] = {
#if defined(__x86_64__)
    {&avx512::table,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vnni");
     }},
    {&avx2::table,
     [] {
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
     }},
#elif defined(__aarch64__)
    {&neon::table, always},
#endif
    {&generic::table, always},
#if defined(GOMLX_CPU_PLAIN)
    {&plain16::table, always},
#endif
};

const Isa& choose() {
  const char* wanted = std::getenv("GO_MLX_CPU_ISA");
  for (const Choice& c : choices)
    if (wanted && !std::strcmp(wanted, c.table->name) && c.runs()) return *c.table;
  for (const Choice& c : choices)
    if (c.runs()) return *c.table;
  return generic::table;
}

}  // namespace

const Isa& kernels() {
  static const Isa& one = choose();
  return one;
}

const char* isa() { return kernels().name; }

}  // namespace gomlx::cpu
