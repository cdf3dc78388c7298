#include "weights.h"

#include <algorithm>

namespace gomlx::cpu::test {
namespace {

// e2m1 and e4m3 by their definition: sign, exponent, fraction, bias.
double minifloat(uint32_t q, int exponent_bits, int fraction_bits, int bias) {
  int e = int(q >> fraction_bits) & ((1 << exponent_bits) - 1);
  double f = double(q & ((1u << fraction_bits) - 1)) / (1 << fraction_bits);
  double v = e ? std::ldexp(1 + f, e - bias) : std::ldexp(f, 1 - bias);
  return q >> (exponent_bits + fraction_bits) & 1 ? -v : v;
}

double value(Mode mode, uint32_t q) {
  if (mode == Mode::affine) return q;
  return mode == Mode::mxfp8 ? minifloat(q, 4, 3, 7) : minifloat(q, 2, 1, 1);
}

// The element's bits one by one, so that no code is shared with the kernels.
uint32_t code(const std::vector<uint32_t>& words, int64_t row_bit, int bits, int64_t i) {
  uint32_t q = 0;
  for (int b = 0; b < bits; b++) {
    int64_t at = row_bit + i * bits + b;
    q |= (words[at / 32] >> (at % 32) & 1) << b;
  }
  return q;
}

}  // namespace

std::vector<Format> formats() {
  std::vector<Format> all;
  for (int bits : {2, 3, 4, 5, 6, 8})
    for (int group : {16, 32, 64, 128}) all.push_back({Mode::affine, bits, group});
  all.push_back({Mode::mxfp4, 4, 32});
  all.push_back({Mode::mxfp8, 8, 32});
  all.push_back({Mode::nvfp4, 4, 16});
  return all;
}

Packed Weights::packed() const {
  bool affine = format.mode == Mode::affine;
  return {words.data(), affine ? scales.data() : byte_scales.data(), affine ? biases.data() : nullptr,
          scales.type,  format.mode, format.bits, format.group, n, k};
}

Weights quantize(Random& random, const Format& f, Type scale_type, int64_t experts, int64_t n, int64_t k) {
  const char* modes[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
  Weights w{};
  w.name = std::string(modes[int(f.mode)]) + " " + std::to_string(f.bits) + " bits, group " +
           std::to_string(f.group) + ", scales " + name_of(scale_type) + ", " + std::to_string(n) + "x" +
           std::to_string(k);
  w.quantized = true, w.experts = experts, w.n = n, w.k = k, w.format = f;
  int64_t rows = experts * n, groups = k / f.group;
  w.words.resize(rows * k * f.bits / 32);
  for (uint32_t& word : w.words) word = random.bits();
  w.scales = uniform(random, scale_type, rows * groups, -0.1f, 0.1f);
  w.biases = uniform(random, scale_type, rows * groups, -0.5f, 0.5f);
  w.byte_scales.resize(rows * groups);
  for (uint8_t& s : w.byte_scales) s = uint8_t(f.mode == Mode::nvfp4 ? random.bits() : 120 + random.below(12));
  w.exact.resize(rows * k);
  for (int64_t i = 0; i < rows * k; i++) {
    int64_t r = i / k, c = i % k, g = r * groups + c / f.group;
    double v = value(f.mode, code(w.words, r * k * f.bits, f.bits, c));
    if (f.mode == Mode::affine) {
      w.exact[i] = w.scales.at(g) * v + w.biases.at(g);
      w.largest_bias = std::max(w.largest_bias, std::fabs(double(w.biases.at(g))));
    } else {
      uint8_t s = w.byte_scales[g];
      w.exact[i] = v * (f.mode == Mode::nvfp4 ? minifloat(s, 4, 3, 7) : std::ldexp(1, s - 127));
    }
  }
  return w;
}

Weights dense(Random& random, Type type, int64_t experts, int64_t n, int64_t k) {
  Weights w{};
  w.name = std::string("dense ") + name_of(type) + " " + std::to_string(n) + "x" + std::to_string(k);
  w.experts = experts, w.n = n, w.k = k;
  w.dense = uniform(random, type, experts * n * k, -1, 1);
  w.exact.resize(experts * n * k);
  for (int64_t i = 0; i < experts * n * k; i++) w.exact[i] = w.dense.at(i);
  return w;
}

}  // namespace gomlx::cpu::test
