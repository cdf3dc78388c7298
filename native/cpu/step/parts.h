// How the kernels of step.h are cut into tasks, and the table of those of an instruction set.
#pragma once

#include "../step.h"

namespace gomlx::cpu {

// Span is [from, to): rows, keys or queries.
struct Span {
  int64_t from, to;
};

// Sum is the running softmax of a row: the greatest score and the sum of the weights.
struct Sum {
  float most = -__builtin_inff(), weights = 0;
};

// Part is a part of the keys for the single queries of the heads that share them: it leaves the sums of
// values of each head, [heads, values], and their Sums.
struct Part {
  int64_t b, kv_head;
  Span keys;
  float* o;
  Sum* sums;
};

// Joined is the parts of a head, of which the sums of values are `stride` apart and the Sums `apart`.
struct Joined {
  int64_t b, head, parts;
  float* o;
  int64_t stride;
  const Sum* sums;
  int64_t apart;
};

// Block is queries of the heads that share keys.
struct Block {
  int64_t b, kv_head;
  Span queries;
};

// Steps are the kernels for an instruction set, which may run on several threads at once.
struct Steps {
  int width; // of a vector
  void (*norm)(const RmsNorm&, Span rows);
  void (*gate)(const Gated&, Span rows);
  void (*turn)(const Turn&, Span rows);
  void (*write)(const Write&, Span rows);
  void (*part)(const Attend&, const Part&);
  void (*join)(const Attend&, const Joined&);
  void (*block)(const Attend&, const Block&);
  int64_t (*argmax)(const void*, Type, int64_t d);
};

// tokens_of_a_block is how many queries of each head are in a block.
inline int64_t tokens_of_a_block(const Attend& a) {
  int64_t n = 64 * a.kv_heads / a.heads;
  return n > 0 ? n : 1;
}

}  // namespace gomlx::cpu
