// Arrays as the kernels of a step read them.
#pragma once

#include "step.h"
#include "support.h"

namespace gomlx {

inline cpu::Strided strided(const Rows& x) { return {bytes(x.x), x.stride}; }

// heads is x [b, h, l, d] where it lies, if its last axis has no gaps, or a copy that
// the stream's tasks make.
inline cpu::Heads heads(const mx::array& x, mx::Stream s) {
  bool dense = x.shape(3) == 1 || x.strides(3) == 1;
  mx::array a = dense ? x : copied(x, s);
  return {bytes(a), a.strides(0), a.strides(1), a.strides(2)};
}

}  // namespace gomlx
