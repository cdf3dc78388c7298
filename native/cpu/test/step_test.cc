// The kernels of a decoding step against their formulas in double precision.
#include <algorithm>

#include "check.h"
#include "step.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

const Type types[] = {Type::f32, Type::bf16, Type::f16};

// What one rounding to a type may change, as a share.
double rounding(Type type) { return type == Type::f32 ? 1e-6 : type == Type::f16 ? 1.0 / 1024 : 1.0 / 128; }

void same(const char* what, Type type, int64_t at, double got, double want, double size) {
  CHECK(std::fabs(got - want) <= rounding(type) * size + 1e-6, "%s %s: [%d] = %.9g, want %.9g", what, name_of(type), int(at), got, want);
}

void norm_case(Random& random, Type type, int64_t n, int64_t d, bool residual, bool weighted) {
  int64_t stride = d + random.below(5);
  Array x = uniform(random, type, n * stride, -3, 3), plus = uniform(random, type, n * stride, -3, 3);
  Array w = uniform(random, type, d, -2, 2), sum = zeros(type, n * d), y = zeros(type, n * d);
  rms_norm({{x.data(), stride}, {residual ? plus.data() : nullptr, stride}, weighted ? w.data() : nullptr, sum.data(), y.data(), type, n, d, 1e-5f});
  for (int64_t r = 0; r < n; r++) {
    std::vector<double> row(d);
    double squares = 0;
    for (int64_t i = 0; i < d; i++) {
      double v = row[i] = double(x.at(r * stride + i)) + (residual ? plus.at(r * stride + i) : 0);
      if (residual) same("residual", type, i, sum.at(r * d + i), v, std::fabs(v)), row[i] = sum.at(r * d + i);
      squares += row[i] * row[i];
    }
    double scale = 1 / std::sqrt(squares / d + 1e-5);
    for (int64_t i = 0; i < d; i++) {
      double want = row[i] * scale * (weighted ? w.at(i) : 1);
      same("norm", type, i, y.at(r * d + i), want, 2 * std::fabs(want));
    }
  }
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double gate_of(Gate kind, double g, double u) {
  switch (kind) {
    case Gate::silu: return g * sigmoid(g) * u;
    case Gate::gelu: return 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * u;
    default: break;
  }
  g = std::min(g, 7.0);
  return (1 + std::clamp(u, -7.0, 7.0)) * g * sigmoid(1.702 * g);
}

void gated_case(Random& random, Type type, Gate kind, int64_t n, int64_t d, float range) {
  Array both = uniform(random, type, n * 2 * d, -range, range), y = zeros(type, n * d);
  const char* up = (const char*)both.data() + d * size_of(type);
  gated({{both.data(), 2 * d}, {up, 2 * d}, y.data(), type, n, d, kind, 1.702f, 7});
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0; i < d; i++) {
      double g = both.at(2 * d * r + i), u = both.at(2 * d * r + d + i), want = gate_of(kind, g, u);
      same("gated", type, i, y.at(r * d + i), want, std::fabs(want) + std::fabs(u) * 1e-2 * (kind == Gate::gelu));
    }
}

void turn_case(Random& random, Type type, bool neighbours, int64_t b, int64_t h, int64_t l, int64_t d, int64_t dims, bool rows) {
  int64_t all = h + 2, width = all * d; // as a part of a fused projection [b, l, all, d]
  Array x = uniform(random, type, b * l * width, -1, 1), y = zeros(type, b * h * l * d);
  Array cos = uniform(random, Type::f32, b * l * d, -1, 1), sin = uniform(random, Type::f32, b * l * d, -1, 1);
  Heads heads = {(const char*)x.data() + d * size_of(type), l * width, d, width};
  turn({heads, {(float*)cos.data(), (float*)sin.data(), rows ? l * d : 0, d}, y.data(), type, b, h, l, d, dims, neighbours});
  for (int64_t i = 0; i < b * h * l * d; i++) {
    int64_t c = i % d, t = i / d % l, head = i / d / l % h, row = i / d / l / h;
    int64_t partner = neighbours ? c ^ 1 : c < dims / 2 ? c + dims / 2 : c - dims / 2;
    auto at = [&](int64_t c) { return double(x.at(row * l * width + t * width + (head + 1) * d + c)); };
    int64_t angle = (rows ? row * l * d : 0) + t * d + c;
    double want = c >= dims ? at(c) : at(c) * cos.at(angle) + at(partner) * sin.at(angle);
    same("turn", type, i, y.at(i), want, 1);
  }
}

void argmax_case(Random& random, Type type, int64_t n, int64_t d) {
  Array x = uniform(random, type, n * (d + 3), -100, 100);
  for (int64_t i = 0; i < 4; i++) { // the greatest, several times
    float most = 101;
    int64_t at = random.below(uint32_t(n * (d + 3)));
    if (type == Type::f32) std::memcpy((float*)x.data() + at, &most, 4);
  }
  std::vector<uint32_t> y(n);
  argmax({x.data(), d + 3}, type, n, d, y.data());
  for (int64_t r = 0; r < n; r++) {
    int64_t want = 0;
    for (int64_t i = 1; i < d; i++)
      if (x.at(r * (d + 3) + i) > x.at(r * (d + 3) + want)) want = i;
    CHECK(y[r] == want, "argmax %s: row %d of %d is %d, want %d", name_of(type), int(r), int(d), int(y[r]), int(want));
  }
}

}  // namespace

TEST(rms_norm_of_rows) {
  Random random(1);
  for (Type type : types)
    for (int64_t d : {1, 3, 15, 16, 17, 64, 100, 576, 2049})
      for (int64_t n : {1, 2, 7, 65}) norm_case(random, type, n, d, n % 2 == 1, d != 64);
}

TEST(gated_activations) {
  Random random(2);
  for (Type type : types)
    for (Gate kind : {Gate::silu, Gate::gelu, Gate::silu_oai})
      for (int64_t d : {1, 9, 16, 31, 1536})
        for (float range : {1.f, 12.f, 100.f}) gated_case(random, type, kind, d < 100 ? 70 : 3, d, type == Type::f16 ? std::min(range, 30.f) : range);
}

TEST(turn_of_heads) {
  Random random(3);
  for (Type type : types)
    for (bool neighbours : {false, true})
      for (bool rows : {false, true}) {
        turn_case(random, type, neighbours, 1, 9, 1, 64, 64, rows);
        turn_case(random, type, neighbours, 2, 3, 5, 64, 32, rows);
        turn_case(random, type, neighbours, 3, 1, 2, 10, 6, rows);
        turn_case(random, type, neighbours, 2, 4, 130, 256, 256, rows);
      }
}

TEST(argmax_of_rows) {
  Random random(4);
  for (Type type : types)
    for (int64_t d : {1, 2, 7, 16, 33, 1000, 49152}) argmax_case(random, type, d > 10000 ? 2 : 5, d);
  float nan[] = {NAN, 3, 4}, later[] = {1, NAN, 4, -INFINITY};
  uint32_t y;
  argmax({nan, 3}, Type::f32, 1, 3, &y);
  CHECK(y == 0, "a first NaN is passed by %d", int(y));
  argmax({later, 4}, Type::f32, 1, 4, &y);
  CHECK(y == 2, "a NaN hides the greatest: %d", int(y));
}
