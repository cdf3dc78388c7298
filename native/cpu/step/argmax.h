// The place of the greatest number.
#pragma once

#include "../step.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// first_greatest keeps, in each lane, the greatest number and where it first was.
template <class T> int64_t first_greatest(const T* x, int64_t d) {
  vf most = all(widen(x[0]));
  vi place = {}, at, step = W - vi{};
  for (int i = 0; i < W; i++) at[i] = i;
  int64_t i = 0;
  for (; i + W <= d; i += W, at += step) {
    vf v = load(x + i);
    vi more = v > most;
    most = more ? v : most;
    place = more ? at : place;
  }
  float best = most[0];
  int64_t where = place[0];
  for (int lane = 1; lane < W; lane++)
    if (most[lane] > best || (most[lane] == best && place[lane] < where)) best = most[lane], where = place[lane];
  for (; i < d; i++)
    if (float v = widen(x[i]); v > best) best = v, where = i;
  return where;
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
