#include <cstring>

#include "check.h"

namespace gomlx::cpu::test {

static int failures = 0;

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

void fail(const char* file, int line, const char* what) {
  if (++failures <= 40) std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

Array zeros(Type type, int64_t n) { return {type, std::vector<uint8_t>(n * size_of(type))}; }

Array uniform(Random& random, Type type, int64_t n, float lo, float hi) {
  Array a = zeros(type, n);
  for (int64_t i = 0; i < n; i++) store(a.data(), type, i, random.uniform(lo, hi));
  return a;
}

const char* name_of(Type type) {
  return type == Type::f32 ? "f32" : type == Type::bf16 ? "bf16" : "f16";
}

static int run(bool bench, const char* only) {
  int ran = 0;
  for (const Case& c : cases()) {
    if (c.bench != bench || (only && !std::strstr(c.name, only))) continue;
    int before = failures;
    c.run();
    ran++;
    if (!bench) std::printf("%s %s\n", failures == before ? "ok  " : "FAIL", c.name);
    std::fflush(stdout);
  }
  if (ran == 0) std::fprintf(stderr, "no case is named so\n");
  return failures || ran == 0 ? 1 : 0;
}

}  // namespace gomlx::cpu::test

// gomlx_cpu_test [bench] [part of a name]
int main(int argc, char** argv) {
  bool bench = argc > 1 && !std::strcmp(argv[1], "bench");
  const char* only = argc > 1 + bench ? argv[1 + bench] : nullptr;
  std::printf("isa %s, %d threads\n", gomlx::cpu::isa(), gomlx::cpu::pool().threads());
  return gomlx::cpu::test::run(bench, only);
}
