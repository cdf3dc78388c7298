// A small test program: TEST(name) { ... } registers a check, BENCH(name) a
// measurement that runs when the program is given the word bench.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "formats.h"

namespace gomlx::cpu::test {

struct Case {
  const char* name;
  void (*run)();
  bool bench;
};

std::vector<Case>& cases();
void fail(const char* file, int line, const char* what);

struct Register {
  Register(const char* name, void (*run)(), bool bench) { cases().push_back({name, run, bench}); }
};

#define GOMLX_CASE(name, bench)                                        \
  static void name();                                                  \
  static ::gomlx::cpu::test::Register register_##name(#name, name, bench); \
  static void name()
#define TEST(name) GOMLX_CASE(name, false)
#define BENCH(name) GOMLX_CASE(name, true)

// CHECK(ok, "format", ...) counts a failure and goes on.
#define CHECK(ok, ...)                                         \
  do {                                                         \
    if (!(ok)) {                                               \
      char what_[512];                                         \
      std::snprintf(what_, sizeof what_, __VA_ARGS__);         \
      ::gomlx::cpu::test::fail(__FILE__, __LINE__, what_);     \
    }                                                          \
  } while (0)

// Numbers that are the same in every run.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t bits() { return engine_(); }
  uint32_t below(uint32_t n) { return engine_() % n; }
  float uniform(float lo, float hi) {
    return lo + (hi - lo) * (float(engine_() >> 8) * 0x1p-24f);
  }

 private:
  std::mt19937 engine_;
};

// An array of one of the types, as the kernels see it, and its values.
struct Array {
  Type type = Type::f32;
  std::vector<uint8_t> bytes;
  const void* data() const { return bytes.data(); }
  void* data() { return bytes.data(); }
  float at(int64_t i) const { return load(bytes.data(), type, i); }
};

Array zeros(Type type, int64_t n);
Array uniform(Random& random, Type type, int64_t n, float lo, float hi);
const char* name_of(Type type);

}  // namespace gomlx::cpu::test
