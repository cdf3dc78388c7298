// Attention of a token from what a joined product left is norm, rope, the writes and attention
// one after the other, to the bit: those are checked against their formulas.
#include <cstring>
#include <string>

#include "check.h"
#include "step.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

struct Shape {
  int64_t b, heads, kv_heads, d, value_d, dims, keys, at, window;
  bool norms, turns, neighbours;
};

// Buffers are a store [b, h, capacity, d] and its memory.
struct Buffers {
  std::vector<char> numbers, scales, biases;
  Store store;

  Buffers(Type type, int bits, const Shape& s, int64_t d) {
    constexpr int group = 32;
    int64_t capacity = s.keys + 2, rows = s.b * s.kv_heads * capacity, words = bits ? d / 4 : d, groups = bits ? d / group : 0;
    numbers.resize(rows * (bits ? d : d * size_of(type)));
    scales.resize(rows * groups * size_of(type)), biases.resize(scales.size());
    store = {numbers.data(), type, s.kv_heads * capacity * words, capacity * words, words, bits, group,
             scales.data(), biases.data(), s.kv_heads * capacity * groups, capacity * groups, groups};
  }
  bool operator==(const Buffers& o) const { return numbers == o.numbers && scales == o.scales && biases == o.biases; }
};

// Met is a token and what it meets, the same for both ways.
struct Met {
  Shape s;
  Type type;
  Array qkv, q_norm, k_norm, cos, sin;
  std::vector<uint8_t> seen;
  Buffers k, v;
  int64_t width, stride;

  Met(Random& random, Type type, int bits, const Shape& s)
      : s(s), type(type), k(type, bits, s, s.d), v(type, bits, s, s.value_d),
        width((s.heads + s.kv_heads) * s.d + s.kv_heads * s.value_d), stride(width + 3) {
    qkv = uniform(random, type, s.b * stride, -2, 2);
    q_norm = uniform(random, type, s.d, -2, 2), k_norm = uniform(random, type, s.d, -2, 2);
    cos = uniform(random, Type::f32, s.b * s.d, -1, 1), sin = uniform(random, Type::f32, s.b * s.d, -1, 1);
    for (int64_t i = 0; i < s.b * s.keys; i++) seen.push_back(i % s.keys > i / s.keys); // as many are hidden as the row's number
    for (auto [to, d] : {std::pair{&k, s.d}, std::pair{&v, s.value_d}}) { // what was there before
      Array x = uniform(random, type, s.b * s.kv_heads * s.keys * d, -2, 2);
      write({{x.data(), s.kv_heads * s.keys * d, s.keys * d, d}, type, to->store, s.b, s.kv_heads, s.keys, d, 0});
    }
  }
  Attend attend(void* y) const {
    Attend a{};
    if (s.b > 3) a.sinks = (const float*)cos.data(), a.seen = (const bool*)seen.data(), a.seen_batch = s.keys, a.seen_key = 1;
    a.y = y, a.type = type, a.k = k.store, a.v = v.store;
    a.b = s.b, a.heads = s.heads, a.kv_heads = s.kv_heads, a.l = 1, a.d = s.d, a.value_d = s.value_d;
    a.keys = s.keys, a.window = s.window, a.scale = 0.3f;
    return a;
  }
  Angles angles() const { return {(const float*)cos.data(), (const float*)sin.data(), s.d, s.d}; }

  // heads are h of them from a column on, normed and turned.
  Array heads(int64_t column, int64_t h, const Array& weight) const {
    Array x = zeros(type, s.b * h * s.d);
    int64_t size = size_of(type);
    for (int64_t b = 0; b < s.b; b++)
      std::memcpy((char*)x.data() + b * h * s.d * size, (const char*)qkv.data() + (b * stride + column) * size, h * s.d * size);
    Array y = x;
    if (s.norms) rms_norm({{x.data(), s.d}, {}, weight.data(), nullptr, y.data(), type, s.b * h, s.d, 1e-5f});
    if (!s.turns) return y;
    turn({{y.data(), h * s.d, s.d, s.d}, angles(), x.data(), type, s.b, h, 1, s.d, s.dims, s.neighbours});
    return x;
  }
};

void by_parts(Met& c, Array& y) {
  const Shape& s = c.s;
  Array q = c.heads(0, s.heads, c.q_norm), k = c.heads(s.heads * s.d, s.kv_heads, c.k_norm);
  const char* v = (const char*)c.qkv.data() + (s.heads + s.kv_heads) * s.d * size_of(c.type);
  write({{k.data(), s.kv_heads * s.d, s.d, s.d}, c.type, c.k.store, s.b, s.kv_heads, 1, s.d, s.at});
  write({{v, c.stride, s.value_d, s.value_d}, c.type, c.v.store, s.b, s.kv_heads, 1, s.value_d, s.at});
  Attend a = c.attend(y.data());
  a.q = {q.data(), s.heads * s.d, s.d, s.d};
  attend(a);
}

void at_once(Met& c, Array& y) {
  Token t{{c.qkv.data(), c.stride}, nullptr, nullptr, 1e-5f, {}, c.s.dims, c.s.neighbours, c.s.at, c.attend(y.data())};
  if (c.s.norms) t.q_norm = c.q_norm.data(), t.k_norm = c.k_norm.data();
  if (c.s.turns) t.angles = c.angles();
  attend_token(t);
}

}  // namespace

TEST(a_token_at_once) {
  const Shape shapes[] = {
      {1, 9, 3, 64, 64, 64, 70, 69, 0, false, true, false}, {1, 9, 3, 64, 64, 64, 1, 0, 0, true, true, false},
      {3, 4, 1, 96, 32, 64, 40, 7, 0, true, true, true},    {2, 4, 4, 32, 64, 32, 300, 299, 100, false, false, false},
      {9, 9, 3, 64, 64, 64, 70, 69, 0, false, true, false}, {24, 4, 1, 64, 96, 32, 530, 20, 500, true, true, true},
  };
  for (Type type : {Type::f32, Type::bf16, Type::f16})
    for (int bits : {0, 8})
      for (const Shape& s : shapes) {
        Random one(11), other(11);
        Met parts(one, type, bits, s), whole(other, type, bits, s);
        Array want = zeros(type, s.b * s.heads * s.value_d), got = want;
        by_parts(parts, want);
        at_once(whole, got);
        CHECK(want.bytes == got.bytes && parts.k == whole.k && parts.v == whole.v, "%s, %d bits, b%d h%d/%d d%d: differs", name_of(type),
              bits, int(s.b), int(s.heads), int(s.kv_heads), int(s.d));
      }
}
