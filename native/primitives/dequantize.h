// Packed weights as numbers.
#pragma once

#include "packed.h"

namespace gomlx {

// The weight [..., n, k] as float32. It has no derivative.
mx::array dequantize(const PackedWeight& w, const Packing& p, mx::Stream s);

}  // namespace gomlx
