// Attention and what it reads and writes against the formula in double precision.
#include <algorithm>
#include <string>

#include "check.h"
#include "step.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

// Kept is a store [b, h, capacity, d] with its memory, and the exact numbers in it.
struct Kept {
  int64_t b, h, capacity, d;
  Array data, scales, biases;
  Store store;

  Kept(Type type, int bits, int group, int64_t b, int64_t h, int64_t capacity, int64_t d) : b(b), h(h), capacity(capacity), d(d) {
    int64_t rows = b * h * capacity, words = bits ? d * bits / 32 : d, groups = bits ? d / group : 0;
    data = zeros(bits ? Type::f32 : type, rows * words), scales = zeros(type, rows * groups), biases = zeros(type, rows * groups);
    store = {data.data(), type, h * capacity * words, capacity * words, words, bits, group,
             scales.data(), biases.data(), h * capacity * groups, capacity * groups, groups};
  }
  double at(int64_t row, int64_t head, int64_t t, int64_t i) const {
    int64_t place = (row * h + head) * capacity + t;
    if (!store.bits) return data.at(place * d + i);
    int64_t g = place * (d / store.group) + i / store.group;
    return double(data.bytes[place * d + i]) * scales.at(g) + biases.at(g);
  }
};

struct Shape {
  int64_t b, heads, kv_heads, l, d, value_d, keys, window;
};

std::string name(const Shape& s, Type type, const Kept& k) {
  char text[160];
  std::snprintf(text, sizeof text, "attend %s, %s of %d bits, b%d h%d/%d l%d d%d/%d keys %d window %d", name_of(type), name_of(k.store.type),
                k.store.bits, int(s.b), int(s.heads), int(s.kv_heads), int(s.l), int(s.d), int(s.value_d), int(s.keys), int(s.window));
  return text;
}

// Options are what may be there.
struct Options {
  float softcap;
  bool sinks, seen;
};

// weights are those of one query, the last one that of the sink.
std::vector<double> weights(const Attend& a, const Kept& k, const Array& q, int64_t b, int64_t h, int64_t l) {
  std::vector<double> s(a.keys + 1, -INFINITY);
  for (int64_t t = 0; t < a.keys; t++) {
    int64_t own = a.keys - a.l + l;
    bool open = t <= own && (!a.window || t > own - a.window);
    if (a.seen) open = open && a.seen[b * a.seen_batch + l * a.seen_query + t * a.seen_key];
    if (!open) continue;
    double dot = 0;
    for (int64_t i = 0; i < a.d; i++) dot += q.at(b * a.q.batch + h * a.q.head + l * a.q.token + i) * k.at(b, h * a.kv_heads / a.heads, t, i);
    s[t] = dot * a.scale;
    if (a.softcap != 0) s[t] = std::tanh(s[t] / a.softcap) * a.softcap;
  }
  if (a.sinks) s[a.keys] = a.sinks[h];
  double most = *std::max_element(s.begin(), s.end()), all = 0;
  for (double& w : s) all += w = most == -INFINITY ? 0 : std::exp(w - most);
  for (double& w : s) w = all > 0 ? w / all : 0;
  return s;
}

void attend_case(Random& random, Type type, Type kept, int bits, const Shape& s, const Options& o) {
  Kept k(kept, bits, 32, s.b, s.kv_heads, s.keys + 3, s.d), v(kept, bits, 32, s.b, s.kv_heads, s.keys + 3, s.value_d);
  for (Kept* to : {&k, &v}) {
    Array x = uniform(random, Type::f32, s.b * s.kv_heads * s.keys * to->d, -2, 2);
    write({{x.data(), s.kv_heads * s.keys * to->d, s.keys * to->d, to->d}, Type::f32, to->store, s.b, s.kv_heads, s.keys, to->d, 0});
  }
  int64_t width = (s.heads + 1) * s.d; // a part of a fused projection [b, l, heads+1, d]
  Array q = uniform(random, type, s.b * s.l * width, -1, 1), y = zeros(type, s.b * s.heads * s.l * s.value_d);
  Array sinks = uniform(random, Type::f32, s.heads, -1, 3);
  std::vector<uint8_t> seen(s.b * s.keys);
  for (int64_t i = 0; i < s.b * s.keys; i++) seen[i] = i % s.keys >= int64_t(i / s.keys * 3);
  Attend a = {{q.data(), s.l * width, s.d, width}, y.data(), type, k.store, v.store, s.b, s.heads, s.kv_heads, s.l, s.d, s.value_d,
              s.keys, s.window, float(2 / std::sqrt(double(s.d))), o.softcap, o.sinks ? (float*)sinks.data() : nullptr, o.seen ? (bool*)seen.data() : nullptr, s.keys, 0, 1};
  attend(a);
  std::string what = name(s, type, k);
  double bound = type == Type::f32 ? 4e-6 : type == Type::f16 ? 2e-3 : 1.6e-2;
  for (int64_t b = 0; b < s.b; b++)
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t l = 0; l < s.l; l += std::max<int64_t>(1, s.l / 9)) {
        std::vector<double> w = weights(a, k, q, b, h, l);
        for (int64_t i = 0; i < s.value_d; i++) {
          double want = 0, got = y.at(((b * s.l + l) * s.heads + h) * s.value_d + i);
          for (int64_t t = 0; t < s.keys; t++) want += w[t] * v.at(b, h * s.kv_heads / s.heads, t, i);
          CHECK(std::fabs(got - want) <= bound, "%s: [%d %d %d %d] = %.9g, want %.9g", what.c_str(), int(b), int(h), int(l), int(i), got, want);
        }
      }
}

const Shape shapes[] = {
    {1, 9, 3, 1, 64, 64, 1, 0},       {1, 9, 3, 1, 64, 64, 70, 0},    {1, 9, 3, 1, 64, 64, 1500, 0}, {2, 4, 1, 1, 256, 256, 33, 0},
    {8, 9, 3, 1, 64, 64, 200, 0},     {1, 2, 2, 1, 32, 96, 17, 5},    {1, 16, 1, 1, 128, 128, 700, 300},
    {1, 9, 3, 64, 64, 64, 64, 0},     {1, 9, 3, 129, 64, 64, 129, 0}, {2, 4, 1, 37, 256, 256, 100, 0}, {1, 2, 2, 200, 32, 96, 200, 50},
    {1, 3, 3, 5, 64, 32, 300, 100},   {1, 80, 1, 3, 32, 32, 9, 0},
};

}  // namespace

TEST(attend_to_plain_stores) {
  Random random(5);
  for (Type kept : {Type::f32, Type::bf16, Type::f16})
    for (const Shape& s : shapes)
      for (Options o : {Options{0, false, false}, Options{2, true, false}, Options{0, false, true}})
        attend_case(random, kept == Type::f32 ? Type::f32 : kept, kept, 0, s, o);
}

TEST(attend_with_odd_widths) {
  Random random(6);
  for (Shape s : {Shape{1, 3, 3, 1, 5, 7, 19, 0}, Shape{2, 6, 2, 1, 80, 20, 90, 0}, Shape{1, 4, 2, 9, 5, 7, 70, 0}, Shape{1, 4, 2, 70, 72, 36, 70, 8}})
    for (Type type : {Type::f32, Type::bf16}) attend_case(random, type, type, 0, s, {0, true, true});
}

TEST(attend_to_packed_stores) {
  Random random(7);
  for (Type kept : {Type::f32, Type::bf16})
    for (const Shape& s : shapes)
      for (Options o : {Options{0, false, false}, Options{2, true, true}}) attend_case(random, Type::f32, kept, 8, s, o);
}

// What is written stays within a step of a group's range (half of one, but that MLX meets the farther end
// exactly and so moves the other); zero and the ends of groups that do not
// vary are kept.
TEST(write_to_packed_stores) {
  Random random(8);
  for (int group : {32, 64, 128}) {
    Kept k(Type::f32, 8, group, 2, 3, 5, 256);
    Array x = uniform(random, Type::bf16, 2 * 3 * 2 * 256, -4, 4);
    for (int i = 0; i < group; i++) store(x.data(), Type::bf16, i, 0), store(x.data(), Type::bf16, group + i, 3);
    write({{x.data(), 3 * 2 * 256, 2 * 256, 256}, Type::bf16, k.store, 2, 3, 2, 256, 3});
    for (int64_t i = 0; i < 2 * 3 * 2 * 256; i++) {
      int64_t c = i % 256, t = i / 256 % 2, h = i / 512 % 3, b = i / 1536;
      double bound = i < 2 * group ? 1e-5 : 8.0 / 255 * 1.02;
      CHECK(std::fabs(k.at(b, h, 3 + t, c) - x.at(i)) <= bound, "group %d: [%d] = %g, want %g", group, int(i), k.at(b, h, 3 + t, c), x.at(i));
    }
  }
}
