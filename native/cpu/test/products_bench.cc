// Figures: bytes of W read in a second beside what a plain read loop reaches,
// and the multiply-adds of tall products.
#include <algorithm>
#include <chrono>

#include "weights.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The best of several runs of f over matrices that together exceed the cache.
template <class F>
double best(int runs, F f) {
  double least = 1e9;
  for (int i = 0; i < runs; i++) {
    double start = now();
    f();
    least = std::min(least, now() - start);
  }
  return least;
}

constexpr int64_t beyond_cache = 256 << 20;

// GB/s of reading memory with every thread of the pool.
double read_bandwidth() {
  static std::vector<uint64_t> data(beyond_cache / 8, 1);
  static uint64_t sink;
  const int parts = 64;
  double s = best(5, [&] {
    pool().each(parts, [&](int p) {
      const uint64_t *at = &data[data.size() / parts * p], *end = at + data.size() / parts;
      uint64_t sums[8] = {};
      for (; at < end; at += 8)
        for (int i = 0; i < 8; i++) sums[i] += at[i];
      for (uint64_t one : sums) __atomic_fetch_add(&sink, one, __ATOMIC_RELAXED);
    });
  });
  return beyond_cache / s / 1e9;
}

int64_t bytes_of(const Packed& w) {
  return w.n * w.k * w.bits / 8 + w.n * scale_bytes(w) * (w.biases ? 2 : 1);
}

// A matrix whose content does not matter, larger than the cache.
struct Big {
  std::vector<uint32_t> words;
  std::vector<uint8_t> scales, biases;
  Packed w;
};

Big big(const Format& f, Type scale_type, int64_t n, int64_t k) {
  Big b;
  int64_t groups = n * k / f.group;
  b.words.resize(n * k * f.bits / 32, 0x76543210);
  b.scales.resize(groups * 4, 0x3c);
  b.biases.resize(groups * 4, 0x3c);
  const bool biased = f.mode == Mode::affine && !f.centred;
  b.w = {b.words.data(), b.scales.data(), biased ? b.biases.data() : nullptr, scale_type, f.mode, f.bits, f.group,
         n, k, f.nested};
  return b;
}

std::string title(const Format& f, Type scales) {
  const char* modes[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
  return std::string(modes[int(f.mode)]) + " " + std::to_string(f.bits) + " bits/" + std::to_string(f.group) + " " +
         (f.nested ? "nested" : name_of(scales)) + (f.centred ? " centred" : "");
}

// The formats with scales of a type: all with float32, beside it those that files have.
std::vector<std::pair<Format, Type>> in_use() {
  std::vector<std::pair<Format, Type>> all;
  for (Type scales : {Type::f32, Type::f16}) {
    for (const Format& f : formats()) {
      if (scales != Type::f32 && (f.mode != Mode::affine || f.group != 32 || f.nested)) continue;
      if (f.mode == Mode::affine && f.group == 128) continue;
      all.push_back({f, scales});
    }
  }
  return all;
}

}  // namespace

BENCH(vector_products) {
  const double reads = read_bandwidth();
  std::printf("reading memory: %.1f GB/s\n", reads);
  Random random(1);
  const int64_t k = 2048;
  Array x = uniform(random, Type::f32, 16 * k, -1, 1);
  std::printf("%-26s %17s %6s %17s %17s\n", "GB/s of W, exact and not", "1 row", "share", "4 rows", "8 rows");
  for (auto [f, scales] : in_use()) {
    int64_t n = int64_t(96 << 20) * 8 / f.bits / k;
    Big b = big(f, scales, n, k);
    Array y = zeros(Type::f32, 16 * n);
    std::printf("%-26s", title(f, scales).c_str());
    for (int64_t m : {1, 4, 8}) {
      double rates[2];
      for (bool exact : {true, false}) {
        double s = best(3, [&] { quantized_matmul({x.data(), Type::f32, m, k, k, exact}, b.w, y.data(), Type::f32); });
        rates[!exact] = double(bytes_of(b.w)) / s / 1e9;
      }
      std::printf(" %10.1f %6.1f", rates[0], rates[1]);
      if (m == 1) std::printf(" %5.0f%%", 100 * rates[1] / reads);
    }
    std::printf("\n");
  }
}

BENCH(dense_vector_products) {
  const double reads = read_bandwidth();
  std::printf("reading memory: %.1f GB/s\n", reads);
  Random random(1);
  const int64_t k = 2048;
  Array x = uniform(random, Type::f32, 16 * k, -1, 1);
  for (Type t : {Type::f32, Type::bf16, Type::f16}) {
    int64_t n = (128 << 20) / k / size_of(t);
    Array w = zeros(t, n * k), y = zeros(Type::f32, 16 * n);
    std::printf("%-20s", name_of(t));
    for (int64_t m : {1, 4, 8, 16}) {
      double s = best(3, [&] { matmul({x.data(), Type::f32, m, k, k}, w.data(), t, n, y.data(), Type::f32); });
      double rate = double(n * k * size_of(t)) / s / 1e9;
      std::printf(" %10.1f", rate);
      if (m == 1) std::printf(" %5.0f%%", 100 * rate / reads);
    }
    std::printf("\n");
  }
}

// Few rows against matrices that the cache holds: what decoding costs. GMAC/s,
// exact and not.
BENCH(decoding) {
  Random random(1);
  const int64_t k = 2048, n = 512;
  Array x = uniform(random, Type::f32, 8 * k, -1, 1), y = zeros(Type::f32, 8 * n);
  for (auto [f, scales] : in_use()) {
    Big b = big(f, scales, n, k);
    std::printf("%-34s", title(f, scales).c_str());
    for (int64_t m : {1, 2, 4, 8}) {
      std::printf("  m=%d", int(m));
      for (bool exact : {true, false}) {
        double s = best(300, [&] { quantized_matmul({x.data(), Type::f32, m, k, k, exact}, b.w, y.data(), Type::f32); });
        std::printf(" %5.1f", double(m * n * k) / s / 1e9);
      }
    }
    std::printf("\n");
  }
}

// The shapes of SmolLM2-135M's layers, whose weights fit the cache. GMAC/s, exact
// and not.
BENCH(small_products) {
  Random random(1);
  const int64_t shapes[][2] = {{960, 576}, {576, 576}, {3072, 576}, {576, 1536}};
  for (auto [n, k] : shapes) {
    Big b = big({Mode::affine, 4, 32}, Type::f16, n, k);
    Array x = uniform(random, Type::f32, 512 * k, -1, 1), y = zeros(Type::f32, 512 * n);
    std::printf("4 bits %dx%d:", int(n), int(k));
    for (int64_t m : {1, 2, 4, 8, 16, 44, 512}) {
      std::printf("  m=%d", int(m));
      for (bool exact : {true, false}) {
        double s = best(m > 100 ? 5 : 50, [&] {
          quantized_matmul({x.data(), Type::f32, m, k, k, exact}, b.w, y.data(), Type::f32);
        });
        std::printf(" %.0f", double(m * n * k) / s / 1e9);
      }
    }
    std::printf("\n");
  }
}

BENCH(tall_products) {
  Random random(1);
  const int64_t n = 2048;
  for (int64_t k : {576, 1536, 4096}) {
    Array x = uniform(random, Type::f32, 512 * k, -1, 1), y = zeros(Type::f32, 512 * n);
    for (const Format& f : formats()) {
      if (f.mode == Mode::affine && (f.group != 32 || f.nested || f.centred || (f.bits != 4 && f.bits != 6))) continue;
      Big b = big(f, Type::f32, n, k);
      std::printf("%dx%d mode %d, %d bits:", int(n), int(k), int(f.mode), f.bits);
      for (int64_t m : {16, 32, 128, 512}) {
        double s = best(3, [&] { quantized_matmul({x.data(), Type::f32, m, k, k}, b.w, y.data(), Type::f32); });
        std::printf("  m=%d %.1f GMAC/s", int(m), double(m * n * k) / s / 1e9);
      }
      std::printf("\n");
    }
  }
}
