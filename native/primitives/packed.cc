#include "packed.h"

namespace gomlx {
namespace {

// The modes by the kernels' numbers. A mode other than affine has one width and
// one group.
const struct {
  const char* name;
  int bits, group;
} modes[] = {{"affine", 0, 0}, {"mxfp4", 4, 32}, {"mxfp8", 8, 32}, {"nvfp4", 4, 16}};

// What the last dimension of the scales has to be, -1 where the weight's does not fit
// the packing.
int scales_in_row(const Packing& p, const PackedWeight& w) {
  const int64_t k = width(p, w.w);
  const bool nested = w.nested(p), fits = !nested || p.group == 16 || p.group == 32;
  if (int64_t(w.w.shape(-1)) * 32 % p.bits != 0 || k % (nested ? 256 : p.group) != 0 || !fits) return -1;
  return int(nested ? k / 256 * (2 + 256 / p.group) : k / p.group);
}

}  // namespace

std::string Packing::name() const { return modes[int(mode)].name; }

Packing packing(const char* op, const std::string& mode, int bits, int group, bool biased) {
  for (int i = 0; i < 4; i++) {
    if (mode != modes[i].name) continue;
    bool known = i > 0 ? bits == modes[i].bits && group == modes[i].group
                       : (bits >= 2 && bits <= 8 && bits != 7) &&
                             (group == 16 || group == 32 || group == 64 || group == 128);
    if (!known) {
      refuse(op, "does not know groups of " + std::to_string(group) + " values of " +
                     std::to_string(bits) + " bits in mode " + mode + ".");
    }
    if (i > 0 && biased) refuse(op, "wants biases in mode affine only.");
    return {cpu::Mode(i), bits, group, biased};
  }
  refuse(op, "does not know the mode \"" + mode + "\".");
}

int64_t width(const Packing& p, const mx::array& w) { return int64_t(w.shape(-1)) * 32 / p.bits; }

void check_packed(const char* op, const Packing& p, const PackedWeight& w) {
  bool affine = p.mode == cpu::Mode::affine;
  if (w.w.dtype() != mx::uint32 || w.w.ndim() < 2) refuse(op, "wants a weight of uint32 [..., n, words].");
  if (!affine && w.scales.dtype() != mx::uint8) refuse(op, "wants scales of uint8 in mode " + p.name() + ".");
  if (affine && !w.nested(p)) type_of(op, w.scales);
  if (w.biases && (w.biases->dtype() != w.scales.dtype() || w.biases->shape() != w.scales.shape())) {
    refuse(op, "wants biases of the scales' dtype and shape.");
  }
  auto want = w.w.shape();
  want.back() = scales_in_row(p, w);
  if (want.back() < 0 || w.scales.shape() != want) {
    refuse(op, (w.nested(p) ? "scales of two levels " : "scales ") + text(w.scales.shape()) + " do not fit a weight " +
                   text(w.w.shape()) + " of " + std::to_string(p.bits) + " bits in groups of " +
                   std::to_string(p.group) + ".");
  }
}

bool PackedWeight::known_to_mlx(const Packing& p) const {
  return p.mode != cpu::Mode::affine || (p.group != 16 && biases && !nested(p));
}

std::vector<mx::array> PackedWeight::arrays() const {
  if (biases) return {w, scales, *biases};
  return {w, scales};
}

PackedWeight PackedWeight::of(const Packing& p, const std::vector<mx::array>& inputs, size_t from) {
  PackedWeight w{inputs[from], inputs[from + 1], std::nullopt};
  if (p.biased) w.biases = inputs[from + 2];
  return w;
}

cpu::Packed PackedWeight::packed(const Packing& p, mx::Stream s) const {
  cpu::Packed out{};
  mx::array in_order = readable(w, s);
  out.w = in_order.data<uint32_t>();
  out.scales = bytes(readable(scales, s));
  if (biases) out.biases = bytes(readable(*biases, s));
  out.nested = nested(p);
  if (p.mode == cpu::Mode::affine && !out.nested) out.scale_type = type_of("packed", scales);
  out.mode = p.mode;
  out.bits = p.bits;
  out.group = p.group;
  out.n = n();
  out.k = width(p, w);
  return out;
}

}  // namespace gomlx
