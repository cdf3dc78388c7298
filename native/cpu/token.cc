// Attention of one token from what a joined product left of it: norm, rope, the cache and
// attention one after the other, without a task of their own each.
#include <vector>

#include "formats.h"
#include "step.h"

namespace gomlx::cpu {
namespace {

// features are heads of a token, where they stand in the rows from a column on.
Heads features(const Token& t, int64_t column, int64_t width) {
  const char* row = static_cast<const char*>(t.qkv.data);
  return {row + column * size_of(t.attend.type), t.qkv.stride, width, width};
}

// normed puts h heads over their root mean squares into memory.
Heads normed(const Token& t, Heads x, int64_t h, const void* weight, char* memory) {
  const Attend& a = t.attend;
  int64_t size = size_of(a.type);
  for (int64_t b = 0; b < a.b; b++) {
    const char* row = static_cast<const char*>(x.data) + b * x.batch * size;
    rms_norm({{row, x.head}, {}, weight, nullptr, memory + b * h * a.d * size, a.type, h, a.d, t.eps});
  }
  return {memory, h * a.d, a.d, a.d};
}

// turned puts h heads turned by their angles into memory.
Heads turned(const Token& t, Heads x, int64_t h, char* memory) {
  const Attend& a = t.attend;
  turn({x, t.angles, memory, a.type, a.b, h, 1, a.d, t.dims, t.neighbours});
  return {memory, h * a.d, a.d, a.d};
}

// prepared is h heads normed and turned, with memory for two of each.
Heads prepared(const Token& t, int64_t column, int64_t h, const void* norm, char* memory) {
  const Attend& a = t.attend;
  Heads x = features(t, column, a.d);
  if (norm) x = normed(t, x, h, norm, memory);
  if (t.angles.cos) x = turned(t, x, h, memory + a.b * h * a.d * size_of(a.type));
  return x;
}

}  // namespace

void attend_token(const Token& t) {
  Attend a = t.attend;
  int64_t queries = a.heads * a.d, keys = a.kv_heads * a.d;
  std::vector<char> memory(2 * a.b * queries * size_of(a.type)); // there are no fewer heads than those of keys
  Heads k = prepared(t, queries, a.kv_heads, t.k_norm, memory.data());
  write({k, a.type, a.k, a.b, a.kv_heads, 1, a.d, t.at});
  write({features(t, queries + keys, a.value_d), a.type, a.v, a.b, a.kv_heads, 1, a.value_d, t.at});
  a.q = prepared(t, 0, a.heads, t.q_norm, memory.data());
  attend(a);
}

}  // namespace gomlx::cpu
