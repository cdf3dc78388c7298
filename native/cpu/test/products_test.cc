// Every product against sums in double precision over MLX's formulas.
#include <algorithm>

#include "weights.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

// |y - exact| may be this share of sum |x w|: the roundings of a float32 sum,
// and of y where it is a 16-bit number.
double tolerance(Type y) { return y == Type::f32 ? 1e-6 : y == Type::f16 ? 1.0 / 1024 : 1.0 / 128; }

// How far each number of a row may move where x is rounded to 16 bits.
std::vector<double> moves(const Weights& w, const Array& x, int64_t from, bool exact) {
  std::vector<double> out(w.k);
  if (exact || !w.quantized) return out;
  for (int64_t i = 0; i < w.k; i += w.format.group) {
    double largest = 0;
    for (int64_t j = i; j < i + w.format.group; j++) largest = std::max(largest, std::fabs(double(x.at(from + j))));
    for (int64_t j = i; j < i + w.format.group; j++) out[j] = std::max(largest / 65534 * (1 + 1e-6), std::ldexp(1, -127));
  }
  return out;
}

void compare(const char* what, const Weights& w, const Array& x, int64_t stride, int64_t m,
             int64_t x_row, int64_t expert, const Array& y, bool exact = true) {
  int64_t n = w.n, k = w.k;
  std::vector<double> move = moves(w, x, x_row * stride, exact);
  for (int64_t r = 0; r < n; r++) {
    double sum = 0, size = 0, moved = 0;
    for (int64_t i = 0; i < k; i++) {
      double term = double(x.at(x_row * stride + i)) * w.exact[(expert * n + r) * k + i];
      sum += term;
      size += std::fabs(term);
      moved += move[i] * std::fabs(w.exact[(expert * n + r) * k + i]);
    }
    double got = y.at(m * n + r), bound = tolerance(y.type) * size + moved + 1e-30;
    CHECK(std::fabs(got - sum) <= bound, "%s %s: y[%d,%d] = %g, want %g (%g of the terms)", what,
          w.name.c_str(), int(m), int(r), got, sum, std::fabs(got - sum) / size);
  }
}

void product(Random& random, const Weights& w, Type x_type, Type y_type, int64_t m, bool exact = true) {
  int64_t stride = w.k + random.below(9);
  Array x = uniform(random, x_type, m * stride, -1, 1), y = zeros(y_type, m * w.n);
  Activations a{x.data(), x_type, m, w.k, stride, exact};
  if (w.quantized) {
    quantized_matmul(a, w.packed(), y.data(), y_type);
  } else {
    matmul(a, w.dense.data(), w.dense.type, w.n, y.data(), y_type);
  }
  for (int64_t i = 0; i < m; i++) compare("product", w, x, stride, i, i, 0, y, exact);
}

void gathered(Random& random, const Weights& w, int64_t rows, int64_t count, bool by_row, bool exact = true) {
  Array x = uniform(random, Type::f32, rows * w.k, -1, 1), y = zeros(Type::f32, count * w.n);
  std::vector<uint32_t> row(count), expert(count);
  for (int64_t i = 0; i < count; i++) {
    row[i] = by_row ? random.below(uint32_t(rows)) : uint32_t(i);
    expert[i] = random.below(uint32_t(w.experts));
  }
  Gather g{by_row ? row.data() : nullptr, expert.data(), count, w.experts};
  Activations a{x.data(), Type::f32, rows, w.k, w.k, exact};
  if (w.quantized) {
    gather_quantized_matmul(a, g, w.packed(), y.data(), Type::f32);
  } else {
    gather_matmul(a, g, w.dense.data(), w.dense.type, w.n, y.data(), Type::f32);
  }
  for (int64_t i = 0; i < count; i++) compare("gather", w, x, w.k, i, row[i], expert[i], y, exact);
}

const Type types[] = {Type::f32, Type::bf16, Type::f16};

}  // namespace

TEST(quantized_products) {
  Random random(1);
  for (const Format& f : formats()) {
    for (int64_t m = 1; m <= 17; m++) {
      int64_t k = f.step() * (1 + random.below(5)), n = 1 + random.below(37);
      product(random, quantize(random, f, types[m % 3], 1, n, k), types[random.below(3)],
              types[random.below(3)], m);
    }
  }
}

TEST(products_of_rounded_activations) {
  Random random(9);
  for (const Format& f : formats()) {
    for (int64_t m = 1; m <= 17; m++) {
      int64_t k = f.step() * (1 + random.below(9)), n = 1 + random.below(37);
      product(random, quantize(random, f, types[m % 3], 1, n, k), types[random.below(3)], types[random.below(3)], m,
              false);
    }
    Weights experts = quantize(random, f, Type::f32, 4, 9, f.step() * 2);
    gathered(random, experts, 3, 7, true, false);
    gathered(random, experts, 28, 28, false, false);
    gathered(random, experts, 40, 40, false, false);
  }
}

// More groups than a kernel makes the factors of at a time.
TEST(products_of_long_rounded_rows) {
  Random random(12);
  for (const Format& f : formats()) {
    Weights w = quantize(random, f, types[random.below(3)], 1, 5, f.step() * 133);
    for (int64_t m : {1, 3, 4, 7}) product(random, w, Type::f32, Type::f32, m, false);
  }
}

// Groups whose numbers differ in size by far more than 16 bits, and what no float
// can be divided by.
TEST(each_group_is_rounded_by_itself) {
  Random random(10);
  for (const Format& f : formats()) {
    const int64_t k = f.step() * 8;
    Weights w = quantize(random, f, Type::f32, 1, 6, k);
    for (int64_t m : {1, 7}) {
      Array x = uniform(random, Type::f32, m * k, -1, 1), y = zeros(Type::f32, m * w.n);
      float* at = reinterpret_cast<float*>(x.data());
      const float sizes[] = {1e6f, 0, 1e-40f, 1, 1e-30f};
      for (int64_t i = 0; i < m * k; i++) at[i] *= sizes[i / f.group % 5];
      quantized_matmul({x.data(), Type::f32, m, k, k, false}, w.packed(), y.data(), Type::f32);
      for (int64_t i = 0; i < m; i++) compare("sizes", w, x, k, i, i, 0, y, false);
    }
  }
}

TEST(rounded_activations_keep_what_is_no_number) {
  Random random(11);
  for (const Format& f : formats()) {
    for (float bad : {std::nanf(""), INFINITY, -INFINITY}) {
      for (int64_t m : {1, 6}) {
        const int64_t k = f.step() * 3, row = random.below(uint32_t(m));
        Weights w = quantize(random, f, Type::f32, 1, 5, k);
        Array x = uniform(random, Type::f32, m * k, -1, 1), y = zeros(Type::f32, m * w.n);
        reinterpret_cast<float*>(x.data())[row * k + random.below(uint32_t(k))] = bad;
        quantized_matmul({x.data(), Type::f32, m, k, k, false}, w.packed(), y.data(), Type::f32);
        for (int64_t i = 0; i < m * w.n; i++)
          CHECK(std::isfinite(y.at(i)) == (i / w.n != row), "%s: %g of row %d, row %d has %g", w.name.c_str(), y.at(i),
                int(i / w.n), int(row), bad);
      }
    }
  }
}

TEST(quantized_rows_are_exact) {
  Random random(2);
  for (const Format& f : formats()) {
    Weights w = quantize(random, f, types[random.below(3)], 1, 7, f.step() * 3);
    std::vector<float> out(3 * w.k);
    dequantize_rows(w.packed(), 2, 5, out.data());
    for (int64_t i = 0; i < 3 * w.k; i++) {
      double want = w.exact[2 * w.k + i], bound = 2e-7 * (std::fabs(want) + w.largest_bias);
      CHECK(std::fabs(out[i] - want) <= bound, "%s: %g, want %g", w.name.c_str(), out[i], want);
    }
  }
}

TEST(tall_products) {
  Random random(3);
  for (int64_t m : {31, 64, 100}) {
    for (const Format& f : formats()) {
      if (f.group != 32 && f.mode == Mode::affine && !f.nested) continue;
      for (bool exact : {true, false})
        product(random, quantize(random, f, Type::f32, 1, 45, f.step() * 5), Type::f32, Type::f32, m, exact);
    }
    for (Type t : types) product(random, dense(random, t, 1, 67, 333), Type::f32, Type::f32, m);
  }
}

TEST(dense_products) {
  Random random(4);
  for (Type t : types) {
    for (int64_t m = 1; m <= 17; m++) {
      int64_t k = 1 + random.below(300), n = 1 + random.below(50);
      product(random, dense(random, t, 1, n, k), types[m % 3], types[random.below(3)], m);
    }
  }
}

TEST(empty_products) {
  Random random(6);
  Format f{Mode::affine, 4, 32};
  for (int64_t m : {0, 1, 20}) {
    product(random, quantize(random, f, Type::f32, 1, 5, 0), Type::f32, Type::f32, m);
    product(random, quantize(random, f, Type::f32, 1, 0, 64), Type::f32, Type::f32, m);
    product(random, dense(random, Type::bf16, 1, 5, 0), Type::f32, Type::f32, m);
  }
}

// What lies behind a matrix or between rows of x must not reach y: here NaNs.
TEST(products_read_their_rows_only) {
  Random random(7);
  const float nan = std::nanf("");
  for (Type t : types) {
    const int64_t k = 77, n = 5, stride = 99, m = 3;
    Weights w = dense(random, t, 1, n, k);
    Array padded = zeros(t, (n + 1) * k), x = zeros(Type::f32, m * stride), y = zeros(Type::f32, m * n);
    for (int64_t i = 0; i < (n + 1) * k; i++) store(padded.data(), t, i, i < n * k ? w.dense.at(i) : nan);
    for (int64_t i = 0; i < m * stride; i++)
      store(x.data(), Type::f32, i, i % stride < k ? random.uniform(-1, 1) : nan);
    matmul({x.data(), Type::f32, m, k, stride}, padded.data(), t, n, y.data(), Type::f32);
    for (int64_t i = 0; i < m; i++) compare("rows", w, x, stride, i, i, 0, y);
  }
}

TEST(gathered_products) {
  Random random(5);
  for (const Format& f : formats()) {
    Weights w = quantize(random, f, Type::f32, 4, 9, f.step() * 2);
    gathered(random, w, 3, 7, true);
    gathered(random, w, 40, 40, false);
  }
  for (Type t : types) {
    Weights w = dense(random, t, 3, 11, 75);
    gathered(random, w, 2, 5, true);
    gathered(random, w, 50, 50, false);
  }
}
