// Random weights in every format, with their exact values.
#pragma once

#include <string>

#include "check.h"

namespace gomlx::cpu::test {

struct Format {
  Mode mode;
  int bits, group;
  bool nested = false;   // scales and biases in two levels
  bool centred = false;  // affine without biases
  // The smallest k that is whole groups, whole words and whole blocks of scales.
  int64_t step() const { return nested ? 256 : group * bits % 32 ? group * 2 : group; }
};

// Every affine width and group, mxfp4, mxfp8 and nvfp4; the K types of GGUF, and
// affine without biases.
std::vector<Format> formats();

struct Weights {
  std::string name;
  bool quantized;
  int64_t experts, n, k;
  std::vector<double> exact;  // [experts, n, k]
  Array dense;
  Format format;
  std::vector<uint32_t> words;
  Type scale_type;
  std::vector<uint8_t> scales, biases;
  double largest_bias = 0;
  Packed packed() const;
};

Weights quantize(Random& random, const Format& f, Type scale_type, int64_t experts, int64_t n, int64_t k);
Weights dense(Random& random, Type type, int64_t experts, int64_t n, int64_t k);

}  // namespace gomlx::cpu::test
