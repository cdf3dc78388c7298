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

// Random scales or biases of rows of k, up to most in affine, and what they mean.
std::vector<double> numbers(Random& random, const Format& f, Type type, int64_t rows, int64_t k, float most,
                            std::vector<uint8_t>& bytes) {
  const int64_t count = rows * (k / f.group);
  std::vector<double> out;
  if (f.nested) {
    for (int64_t block = 0; block < rows * k / 256; block++) {
      Array unit = uniform(random, Type::f16, 1, -most / 127, most / 127);
      bytes.insert(bytes.end(), unit.bytes.begin(), unit.bytes.end());
      for (int i = 0; i < 256 / f.group; i++) {
        bytes.push_back(uint8_t(random.bits()));
        out.push_back(double(unit.at(0)) * int8_t(bytes.back()));
      }
    }
  } else if (f.mode == Mode::affine) {
    Array a = uniform(random, type, count, -most, most);
    bytes = a.bytes;
    for (int64_t i = 0; i < count; i++) out.push_back(a.at(i));
  } else {
    for (int64_t i = 0; i < count; i++) {
      bytes.push_back(uint8_t(f.mode == Mode::nvfp4 ? random.bits() : 120 + random.below(12)));
      out.push_back(f.mode == Mode::nvfp4 ? minifloat(bytes.back(), 4, 3, 7) : std::ldexp(1, bytes.back() - 127));
    }
  }
  return out;
}

}  // namespace

std::vector<Format> formats() {
  std::vector<Format> all;
  for (int bits : {2, 3, 4, 5, 6, 8})
    for (int group : {16, 32, 64, 128}) all.push_back({Mode::affine, bits, group});
  all.push_back({Mode::mxfp4, 4, 32});
  all.push_back({Mode::mxfp8, 8, 32});
  all.push_back({Mode::nvfp4, 4, 16});
  // Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS
  all.push_back({Mode::affine, 2, 16, true});
  all.push_back({Mode::affine, 3, 16, true, true});
  all.push_back({Mode::affine, 4, 32, true});
  all.push_back({Mode::affine, 5, 32, true});
  all.push_back({Mode::affine, 6, 16, true, true});
  all.push_back({Mode::affine, 8, 32, true, true});
  // Q4_0, Q5_0, Q8_0
  for (int bits : {4, 5, 8}) all.push_back({Mode::affine, bits, 32, false, true});
  return all;
}

Packed Weights::packed() const {
  bool biased = format.mode == Mode::affine && !format.centred;
  return {words.data(), scales.data(), biased ? biases.data() : nullptr, scale_type, format.mode, format.bits,
          format.group, n, k, format.nested};
}

Weights quantize(Random& random, const Format& f, Type scale_type, int64_t experts, int64_t n, int64_t k) {
  const char* modes[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
  Weights w{};
  w.name = std::string(modes[int(f.mode)]) + " " + std::to_string(f.bits) + " bits, group " +
           std::to_string(f.group) + ", scales " + (f.nested ? "nested" : name_of(scale_type)) +
           (f.centred ? " without biases, " : ", ") + std::to_string(n) + "x" + std::to_string(k);
  w.quantized = true, w.experts = experts, w.n = n, w.k = k, w.format = f, w.scale_type = scale_type;
  int64_t rows = experts * n, groups = k / f.group;
  w.words.resize(rows * k * f.bits / 32);
  for (uint32_t& word : w.words) word = random.bits();
  const std::vector<double> scales = numbers(random, f, scale_type, rows, k, 0.1f, w.scales);
  std::vector<double> biases = numbers(random, f, scale_type, rows, k, 0.5f, w.biases);
  if (f.centred)
    for (size_t g = 0; g < biases.size(); g++) biases[g] = -std::ldexp(scales[g], f.bits - 1);
  w.exact.resize(rows * k);
  for (int64_t i = 0; i < rows * k; i++) {
    int64_t r = i / k, c = i % k, g = r * groups + c / f.group;
    double v = value(f.mode, code(w.words, r * k * f.bits, f.bits, c));
    const double bias = f.mode == Mode::affine ? biases[g] : 0;
    w.exact[i] = scales[g] * v + bias;
    w.largest_bias = std::max(w.largest_bias, std::fabs(bias));
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
