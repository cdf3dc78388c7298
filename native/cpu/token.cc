// Attention of one token from what a joined product left of it: norm, rope, the cache and
// attention one after the other, without a task of their own each.
#include <vector>

#include "formats.h"
#include "pool.h"
#include "step.h"

namespace gomlx::cpu {
namespace {

// Row is where the heads of a token stand.
struct Row {
  Heads q, k, v;
};

Row row_of(const Token& t) {
  const Attend& a = t.attend;
  auto from = [&](int64_t column, int64_t width) {
    return Heads{static_cast<const char*>(t.qkv.data) + column * size_of(a.type), t.qkv.stride, width, width};
  };
  return {from(0, a.d), from(a.heads * a.d, a.d), from((a.heads + a.kv_heads) * a.d, a.value_d)};
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
Heads prepared(const Token& t, Heads x, int64_t h, const void* norm, char* memory) {
  const Attend& a = t.attend;
  if (norm) x = normed(t, x, h, norm, memory);
  if (t.angles.cos) x = turned(t, x, h, memory + a.b * h * a.d * size_of(a.type));
  return x;
}

// attend_row stores the keys and values of a token, and attends to all that are stored.
void attend_row(const Token& t, const Row& row, void (*attend)(const Attend&)) {
  Attend a = t.attend;
  std::vector<char> memory(2 * a.b * a.heads * a.d * size_of(a.type)); // there are no fewer heads than those of keys
  Heads k = prepared(t, row.k, a.kv_heads, t.k_norm, memory.data());
  write({k, a.type, a.k, a.b, a.kv_heads, 1, a.d, t.at});
  write({row.v, a.type, a.v, a.b, a.kv_heads, 1, a.value_d, t.at});
  a.q = prepared(t, row.q, a.heads, t.q_norm, memory.data());
  attend(a);
}

Heads one_of(Heads x, Type type, int64_t b, int64_t head) {
  x.data = static_cast<const char*>(x.data) + (b * x.batch + head * x.head) * size_of(type);
  return x;
}

Store one_of(Store s, int64_t b, int64_t head) {
  auto move = [](void*& p, int64_t bytes) { p = static_cast<char*>(p) + bytes; };
  move(s.data, (b * s.batch + head * s.head) * (s.bits ? 4 : size_of(s.type)));
  if (s.bits) {
    const int64_t bytes = (b * s.scales_batch + head * s.scales_head) * size_of(s.type);
    move(s.scales, bytes), move(s.biases, bytes);
  }
  return s;
}

// one_of is the token of one sequence, and of the heads that share a head of keys.
Token one_of(Token t, int64_t b, int64_t kv_head) {
  Attend& a = t.attend;
  const int64_t group = a.heads / a.kv_heads, head = kv_head * group;
  if (t.angles.cos) t.angles.cos += b * t.angles.batch, t.angles.sin += b * t.angles.batch;
  a.k = one_of(a.k, b, kv_head), a.v = one_of(a.v, b, kv_head);
  a.y = static_cast<char*>(a.y) + (b * a.heads + head) * a.value_d * size_of(a.type);
  if (a.sinks) a.sinks += head;
  if (a.seen) a.seen += b * a.seen_batch;
  a.b = 1, a.heads = group, a.kv_heads = 1;
  return t;
}

}  // namespace

void attend_token(const Token& t) {
  const Attend& a = t.attend;
  const Row row = row_of(t);
  const int64_t sets = a.b * a.kv_heads, group = a.heads / a.kv_heads;
  // So many tasks that what is left for the last of them does not count.
  if (pool().threads() == 1 || sets < 8 * pool().threads()) return attend_row(t, row, attend);
  pool().each(int(sets), [&](int i) {
    const int64_t b = i / a.kv_heads, h = i % a.kv_heads;
    Row one{one_of(row.q, a.type, b, h * group), one_of(row.k, a.type, b, h), one_of(row.v, a.type, b, h)};
    attend_row(one_of(t, b, h), one, attend_alone);
  });
}

}  // namespace gomlx::cpu
