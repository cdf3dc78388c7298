// Kernels of a decoding step beside its matrix products: each is one pass over its
// inputs, and those of a single token do not enter the thread pool without need.
// The last axis of every tensor is contiguous; strides are in elements. Numbers of
// 16 bits are computed with in f32, and rounded where MLX rounds them.
#pragma once

#include <cstdint>

#include "kernels.h"

namespace gomlx::cpu {

// Strided is rows of numbers.
struct Strided {
  const void* data;
  int64_t stride;
};

// RmsNorm is y = x / rms(x) * weight of every row; with `plus` of x + plus, which is
// the sum. Weight, plus and sum may be null.
struct RmsNorm {
  Strided x, plus;
  const void* weight;
  void *sum, *y;  // contiguous
  Type type;      // of everything
  int64_t n, d;
  float eps;
};
void rms_norm(const RmsNorm&);

// Gate is a function of two numbers.
enum class Gate : uint8_t {
  silu,      // gate * sigmoid(gate) * up
  gelu,      // gelu(gate) * up, gelu by a tanh
  silu_oai,  // (1 + clip(up)) * g * sigmoid(alpha * g), g = min(gate, limit); of gpt-oss
};

struct Gated {
  Strided gate, up;
  void* y;  // contiguous
  Type type;
  int64_t n, d;
  Gate kind;
  float alpha, limit;  // of silu_oai
};
void gated(const Gated&);

// Heads are [b, h, l, d].
struct Heads {
  const void* data;
  int64_t batch, head, token;  // strides
};

// Angles are (cos, cos, 1) and (-sin, sin, 0) of every position, f32 [l, d], or [b, l, d]
// with a stride of the batch.
struct Angles {
  const float *cos, *sin;
  int64_t batch, token;
};

// Turn is rope: y = x cos + partner(x) sin of every head. The partner of a feature
// is the other one of its pair among the first dims: its neighbour, or the one half
// of dims away.
struct Turn {
  Heads x;
  Angles angles;
  void* y;  // contiguous
  Type type;
  int64_t b, h, l, d, dims;
  bool neighbours;
};
void turn(const Turn&);

// Store is keys or values, a buffer [b, h, capacity, d]: numbers as they are, or
// bits of each packed into words as mlx.core.quantize does, affine.
struct Store {
  void* data;
  Type type;                   // of the numbers, or of scales and biases
  int64_t batch, head, token;  // strides; of words where packed
  int bits, group;             // 0 bits: as they are
  void *scales, *biases;
  int64_t scales_batch, scales_head, scales_token;
};

// Write puts tokens x [b, h, l, d] of a type into a store from a place on.
struct Write {
  Heads x;
  Type type;
  Store to;
  int64_t b, h, l, d, at;
};
void write(const Write&);

// Attend is softmax(scale q k^T + mask) v of queries that are the last of the keys:
// query i sees keys up to keys-l+i, of those the last `window` only unless it is 0,
// and of those where `seen`, if it is there, is true.
struct Attend {
  Heads q;
  void* y;  // [b, l, heads, value_d], contiguous
  Type type;  // of q and y
  Store k, v;
  int64_t b, heads, kv_heads, l, d, value_d;
  int64_t keys, window;
  float scale, softcap;  // cap*tanh(score/cap); 0 for none
  const float* sinks;    // [heads] scores without a value; may be null
  const bool* seen;      // [b, l, keys] with strides; may be null
  int64_t seen_batch, seen_query, seen_key;
};
void attend(const Attend&);

// attend_alone is attend of one query a head, by the caller's thread.
void attend_alone(const Attend&);

// The most features that attend can do.
constexpr int64_t max_head = 512;

// Token is attention of one token of each of b sequences, whose queries, keys and values
// stand side by side in a row: [heads*d, kv_heads*d, kv_heads*value_d]. Queries and keys
// are normed where there are weights and turned where there are angles; keys and values
// go into the stores at a place, before the stores are attended to.
struct Token {
  Strided qkv;
  const void *q_norm, *k_norm;  // [d], of the type; may be null
  float eps;
  Angles angles;  // may be null
  int64_t dims;
  bool neighbours;
  int64_t at;
  Attend attend;  // all but q, of one query
};
void attend_token(const Token&);

// argmax writes the first place of the greatest number of each of n rows: of those that
// are greater than the first, which may be no number.
void argmax(Strided x, Type type, int64_t n, int64_t d, uint32_t* y);

}  // namespace gomlx::cpu
