// The products, in plain portable code.
#include <vector>

#include "formats.h"
#include "kernels.h"

namespace gomlx::cpu {
namespace {

// Packed for one expert's matrix of a stack.
Packed expert_of(const Packed& w, int64_t e) {
  Packed one = w;
  int64_t groups = e * w.n * groups_in_row(w);
  int64_t bytes = w.mode == Mode::affine ? size_of(w.scale_type) : 1;
  one.w += e * w.n * words_in_row(w);
  one.scales = static_cast<const char*>(w.scales) + groups * bytes;
  if (w.biases) one.biases = static_cast<const char*>(w.biases) + groups * bytes;
  return one;
}

float dot(const Activations& x, int64_t row, const float* w) {
  float sum = 0;
  for (int64_t i = 0; i < x.k; i++) sum += load(x.x, x.type, row * x.stride + i) * w[i];
  return sum;
}

void dense_row(const void* w, Type type, int64_t row, int64_t k, float* out) {
  for (int64_t i = 0; i < k; i++) out[i] = load(w, type, row * k + i);
}

}  // namespace

void dequantize_rows(const Packed& w, int64_t from, int64_t to, float* out) {
  for (int64_t r = from; r < to; r++) {
    const uint32_t* words = w.w + r * words_in_row(w);
    for (int64_t i = 0; i < w.k; i++) {
      int64_t g = r * groups_in_row(w) + i / w.group;
      *out++ = scale_of(w, g) * value_of(w.mode, element(words, w.bits, i)) + bias_of(w, g);
    }
  }
}

void quantized_matmul(const Activations& x, const Packed& w, void* y, Type y_type) {
  pool().each(int(w.n), [&](int r) {
    std::vector<float> row(w.k);
    dequantize_rows(w, r, r + 1, row.data());
    for (int64_t m = 0; m < x.m; m++) store(y, y_type, m * w.n + r, dot(x, m, row.data()));
  });
}

void matmul(const Activations& x, const void* w, Type w_type, int64_t n, void* y, Type y_type) {
  pool().each(int(n), [&](int r) {
    std::vector<float> row(x.k);
    dense_row(w, w_type, r, x.k, row.data());
    for (int64_t m = 0; m < x.m; m++) store(y, y_type, m * n + r, dot(x, m, row.data()));
  });
}

void gather_quantized_matmul(const Activations& x, const Gather& rows, const Packed& w, void* y,
                             Type y_type) {
  pool().each(int(rows.count), [&](int i) {
    Packed one = expert_of(w, rows.expert[i]);
    std::vector<float> row(w.k);
    for (int64_t r = 0; r < w.n; r++) {
      dequantize_rows(one, r, r + 1, row.data());
      store(y, y_type, i * w.n + r, dot(x, rows.row ? rows.row[i] : i, row.data()));
    }
  });
}

void gather_matmul(const Activations& x, const Gather& rows, const void* w, Type w_type, int64_t n,
                   void* y, Type y_type) {
  pool().each(int(rows.count), [&](int i) {
    std::vector<float> row(x.k);
    for (int64_t r = 0; r < n; r++) {
      dense_row(w, w_type, rows.expert[i] * n + r, x.k, row.data());
      store(y, y_type, i * n + r, dot(x, rows.row ? rows.row[i] : i, row.data()));
    }
  });
}

const char* isa() { return "generic"; }

}  // namespace gomlx::cpu
