// Weights that are packed as MLX packs them, and in forms of our own that take less.
#pragma once

#include <optional>

#include "support.h"

namespace gomlx {

// How a weight is packed.
struct Packing {
  cpu::Mode mode;
  int bits, group;
  bool biased;  // in affine: without biases the middle of the codes is zero

  bool operator==(const Packing&) const = default;

  // MLX's name of the mode.
  std::string name() const;
};

// A packed weight [..., n, k] with its scales and, in affine, biases. Those of affine
// that are bytes have two levels (cpu::Packed).
struct PackedWeight {
  mx::array w, scales;
  std::optional<mx::array> biases;

  int64_t n() const { return w.shape(-2); }
  bool nested(const Packing& p) const { return p.mode == cpu::Mode::affine && scales.dtype() == mx::uint8; }

  // Whether MLX's own operations know such weights.
  bool known_to_mlx(const Packing& p) const;

  // The arrays, in the order of a primitive's inputs.
  std::vector<mx::array> arrays() const;

  // From a primitive's inputs, which begin with the weight at index from.
  static PackedWeight of(const Packing& p, const std::vector<mx::array>& inputs, size_t from);

  // As the kernels want it; what is not in order is copied by the stream's tasks.
  cpu::Packed packed(const Packing& p, mx::Stream s) const;
};

// The packing of the arguments, or an error for what MLX does not pack so.
Packing packing(const char* op, const std::string& mode, int bits, int group, bool biased);

// The values of a row of w.
int64_t width(const Packing& p, const mx::array& w);

// Refuses arrays that do not fit each other.
void check_packed(const char* op, const Packing& p, const PackedWeight& w);

}  // namespace gomlx
