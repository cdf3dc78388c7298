// The products: which rows of which matrix each task takes, and the memory
// around the kernels of the instruction set.
#include <algorithm>
#include <cstring>
#include <vector>

#include "formats.h"
#include "isa/isa.h"
#include "kernels.h"
#include "scratch.h"

namespace gomlx::cpu {
namespace {

// How W meets the activations: row by row; turned in strips; decoded into memory first,
// as floats or as whole numbers.
enum class Way { rows, strips, tiles, panels };

// From so many activations on it is not row by row: with floats, and with whole numbers.
constexpr int64_t tiles_from = 12;
constexpr int64_t strips_from = 5;
// Activations at a time, and bytes of decoded W that leave room for them in the
// second cache.
constexpr int64_t most_activations = 512, tile_bytes = 192 << 10;
// Bytes of W that are worth a task of their own.
constexpr int64_t task_bytes = 16 << 10;

// A stack of matrices [matrices, n, k] in any codec.
struct Matrices {
  Codec codec;
  const uint8_t *w, *scales, *biases;
  int64_t w_stride, scale_stride;
  ScaleType scale_type;
  int group;
  int64_t matrices, n, k;
  float bias = 1;           // all biases over their scales, where they are given as these
  bool rounds = false;      // what it meets, to 16 bits
  Way rounded = Way::rows;  // then; on it depends how that is prepared
};

// w as it meets x, count rows of it a matrix.
Matrices meeting(const Activations& x, int64_t count, Matrices w) {
  w.rounds = !x.exact && kernels().prepared16(w.codec, w.k, w.group) > 0;
  if (w.rounds && count >= strips_from)
    w.rounded = count <= kernels().most_in_strips(w.codec) ? Way::strips : Way::panels;
  return w;
}

Way way(const Matrices& w, int64_t count) {
  if (w.rounds) return w.rounded;
  return count >= tiles_from ? Way::tiles : Way::rows;
}

Codec codec_of(const Packed& w) {
  if (w.mode == Mode::mxfp8) return Codec::e4m3;
  if (w.mode != Mode::affine) return Codec::e2m1;
  switch (w.bits) {
    case 2: return Codec::affine2;
    case 3: return Codec::affine3;
    case 4: return Codec::affine4;
    case 5: return Codec::affine5;
    case 6: return Codec::affine6;
    default: return Codec::affine8;
  }
}

ScaleType scale_type_of(const Packed& w) {
  if (w.mode == Mode::nvfp4) return ScaleType::e4m3;
  if (w.nested) return w.group == 16 ? ScaleType::nested16 : ScaleType::nested8;
  return w.mode == Mode::affine ? ScaleType(w.scale_type) : ScaleType::e8m0;
}

const uint8_t* bytes(const void* p) { return static_cast<const uint8_t*>(p); }

Matrices of(const Packed& w, int64_t matrices) {
  const bool centred = w.mode == Mode::affine && !w.biases;
  return {codec_of(w), bytes(w.w), bytes(w.scales), bytes(centred ? w.scales : w.biases), words_in_row(w) * 4,
          scale_bytes(w), scale_type_of(w), w.group, matrices, w.n, w.k, centred ? middle(w) : 1};
}

Matrices of(const void* w, Type type, int64_t matrices, int64_t n, int64_t k) {
  Codec codec = type == Type::f32 ? Codec::f32 : type == Type::bf16 ? Codec::bf16 : Codec::f16;
  return {codec, bytes(w), nullptr, nullptr, k * size_of(type), 0, ScaleType::f32, 1, matrices, n, k};
}

// Rows at the end of the stack that kernels would read past.
int64_t unsafe_rows(const Matrices& w) {
  if (!w.scales) return 0;
  auto rows = [](int64_t slack, int64_t stride) { return slack / std::max<int64_t>(1, stride) + 1; };
  return std::max(rows(row_slack, w.w_stride), rows(scale_slack, w.scale_stride));
}

// Rows [from, to) of a job moved to the start of memory with slack behind it.
Rows copy_of(const Rows& job, int64_t from, int64_t to) {
  thread_local Scratch memory;
  int64_t n = to - from, words = n * job.w_stride, scales = n * job.scale_stride;
  uint8_t* p = memory.get<uint8_t>(size_t(words + row_slack + 2 * (scales + scale_slack)));
  Rows copy = job;
  auto move = [&](const uint8_t* source, int64_t stride, int64_t size, int64_t slack) {
    if (!source) return source;
    std::memcpy(p, source + from * stride, size_t(size));
    std::memset(p + size, 0, size_t(slack));
    const uint8_t* at = p;
    p += size + slack;
    return at;
  };
  copy.w = move(job.w, job.w_stride, words, row_slack);
  copy.scales = move(job.scales, job.scale_stride, scales, scale_slack);
  copy.biases = move(job.biases, job.scale_stride, scales, scale_slack);
  copy.y_from = job.y_from + from;
  return copy;
}

// Activations [first, first+count) of the call against rows [from, to) of a matrix.
struct Task {
  int64_t matrix, first, count, from, to;
};

void run_rows(const Matrices& w, const Rows& job, int64_t from, int64_t to) {
  const Isa& isa = kernels();
  if (from >= to) return;
  thread_local Scratch memory;
  auto scratch = [&](int64_t floats) { return memory.get<float>(size_t(floats)); };
  switch (way(w, job.count)) {
    case Way::rows: return (w.rounds ? isa.rows16 : isa.rows)(w.codec, job, from, to);
    case Way::strips: return isa.strips(w.codec, job, from, to, scratch(isa.strip_scratch(w.codec, w.k, w.group)));
    case Way::panels:
      return isa.panels(w.codec, job, from, to, scratch(isa.panel_scratch(w.codec, w.k, w.group, to - from)));
    case Way::tiles:
      return isa.tile(w.codec, job, from, to, scratch(isa.scratch(w.codec, w.k, w.group, to - from, job.count)));
  }
}

void run_task(const Matrices& w, const Task& t, const float* const* x, void* const* y, Type y_type) {
  const int64_t before = t.matrix * w.n;
  auto at = [&](const uint8_t* p, int64_t stride) { return p ? p + before * stride : nullptr; };
  Rows job{at(w.w, w.w_stride), at(w.scales, w.scale_stride), at(w.biases, w.scale_stride), w.w_stride,
           w.scale_stride, w.scale_type, w.group, w.k, t.count, x + t.first, y + t.first, y_type, 0};
  int64_t safe = std::clamp(w.matrices * w.n - unsafe_rows(w) - before, t.from, t.to);
  run_rows(w, job, t.from, safe);
  if (safe < t.to) run_rows(w, copy_of(job, safe, t.to), 0, t.to - safe);
}

// Rows of W in a task of count activations.
int64_t rows_of_task(const Matrices& w, int64_t count) {
  const int64_t threads = pool().threads();
  if (way(w, count) == Way::rows) {
    int64_t rows = std::max((w.n + threads * 8 - 1) / (threads * 8), task_bytes / std::max<int64_t>(1, w.w_stride));
    return (std::max<int64_t>(rows, 1) + 3) / 4 * 4;
  }
  const int64_t unit = w.rounds ? kernels().panel_rows : 6, size = w.rounds ? 2 : 4;
  int64_t most = std::clamp<int64_t>(tile_bytes / std::max<int64_t>(1, w.k * size), unit, 128);
  int64_t share = (w.n + threads - 1) / threads, tiles = std::max<int64_t>(2, (share + most - 1) / most);
  return ((share + tiles - 1) / tiles + unit - 1) / unit * unit;
}

void add_tasks(std::vector<Task>& tasks, const Matrices& w, int64_t matrix, int64_t first, int64_t count) {
  if (w.n == 0) return;
  for (int64_t m = 0; m < count; m += most_activations) {
    int64_t some = std::min(count - m, most_activations), step = rows_of_task(w, some);
    for (int64_t r = 0; r < w.n; r += step)
      tasks.push_back({matrix, first + m, some, r, std::min(w.n, r + step)});
  }
}

// The rows of a call in the order of the codec.
class Prepared {
 public:
  Prepared(const Matrices& w, const Activations& x) {
    thread_local Scratch memory;
    const Isa& isa = kernels();
    stride_ = (w.rounds ? isa.prepared16 : isa.prepared)(w.codec, x.k, w.group);
    auto prepare = [&](const uint8_t* row, float* out) {
      if (w.rounds) return isa.prepare16(w.codec, row, x.type, x.k, w.group, w.bias, w.rounded == Way::panels, out);
      isa.prepare(w.codec, row, x.type, x.k, w.group, w.bias, out);
    };
    at_ = memory.get<float>(size_t(std::max<int64_t>(1, x.m * stride_)));
    const int64_t row = x.stride * size_of(x.type);
    const int64_t share = (x.m + pool().threads() - 1) / pool().threads();
    const int step = int(std::clamp<int64_t>(4096 / std::max<int64_t>(1, x.k), 1, std::max<int64_t>(1, share)));
    pool().each(int((x.m + step - 1) / step), [&](int task) {
      for (int64_t m = int64_t(task) * step; m < std::min<int64_t>(x.m, (task + 1) * int64_t(step)); m++)
        prepare(bytes(x.x) + m * row, at_ + m * stride_);
    });
  }
  const float* row(int64_t m) const { return at_ + m * stride_; }

 private:
  float* at_;
  int64_t stride_;
};

void run(const Matrices& w, const std::vector<Task>& tasks, const float* const* x, void* const* y, Type y_type) {
  pool().each(int(tasks.size()), [&](int i) { run_task(w, tasks[i], x, y, y_type); });
}

void multiply(const Matrices& matrix, const Activations& all, void* y, Type y_type) {
  const Matrices w = meeting(all, all.m, matrix);
  std::vector<Task> tasks;
  std::vector<const float*> rows;
  std::vector<void*> outs;
  for (int64_t from = 0; from < all.m; from += most_activations) {
    Activations x = all;
    x.m = std::min(most_activations, all.m - from);
    x.x = bytes(all.x) + from * all.stride * size_of(all.type);
    Prepared prepared(w, x);
    tasks.clear(), rows.clear(), outs.clear();
    for (int64_t m = 0; m < x.m; m++) {
      rows.push_back(prepared.row(m));
      outs.push_back(static_cast<char*>(y) + (from + m) * w.n * size_of(y_type));
    }
    add_tasks(tasks, w, 0, 0, x.m);
    run(w, tasks, rows.data(), outs.data(), y_type);
  }
}

// The rows of each expert side by side, so that its matrix is read once.
void gather(const Matrices& matrices, const Activations& x, const Gather& g, void* y, Type y_type) {
  const Matrices w = meeting(x, g.count / std::max<int64_t>(1, g.experts), matrices);
  Prepared prepared(w, x);
  std::vector<uint32_t> order(size_t(g.count));
  for (size_t i = 0; i < order.size(); i++) order[i] = uint32_t(i);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return g.expert[a] < g.expert[b]; });
  std::vector<Task> tasks;
  std::vector<const float*> rows;
  std::vector<void*> outs;
  for (uint32_t i : order) {
    rows.push_back(prepared.row(g.row ? g.row[i] : i));
    outs.push_back(static_cast<char*>(y) + i * w.n * size_of(y_type));
  }
  for (size_t from = 0, to; from < order.size(); from = to) {
    const uint32_t expert = g.expert[order[from]];
    for (to = from; to < order.size() && g.expert[order[to]] == expert; to++) {
    }
    add_tasks(tasks, w, expert, int64_t(from), int64_t(to - from));
  }
  run(w, tasks, rows.data(), outs.data(), y_type);
}

}  // namespace

void quantized_matmul(const Activations& x, const Packed& w, void* y, Type y_type) {
  multiply(of(w, 1), x, y, y_type);
}

void matmul(const Activations& x, const void* w, Type w_type, int64_t n, void* y, Type y_type) {
  multiply(of(w, w_type, 1, n, x.k), x, y, y_type);
}

void gather_quantized_matmul(const Activations& x, const Gather& rows, const Packed& w, void* y, Type y_type) {
  gather(of(w, rows.experts), x, rows, y, y_type);
}

void gather_matmul(const Activations& x, const Gather& rows, const void* w, Type w_type, int64_t n, void* y,
                   Type y_type) {
  gather(of(w, w_type, rows.experts, n, x.k), x, rows, y, y_type);
}

void dequantize_rows(const Packed& w, int64_t from, int64_t to, float* out) {
  for (int64_t r = from; r < to; r++) {
    const uint32_t* words = w.w + r * words_in_row(w);
    for (int64_t i = 0; i < w.k; i += w.group) {
      int64_t g = r * groups_in_row(w) + i / w.group;
      float scale = scale_of(w, g), bias = bias_of(w, g);
      for (int64_t j = i; j < i + w.group; j++) *out++ = scale * value_of(w.mode, element(words, w.bits, j)) + bias;
    }
  }
}

}  // namespace gomlx::cpu
