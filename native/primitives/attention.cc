// Attention over the buffers of a cache.
#include "mlx/c/vector.h"

#include "heads.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_attention";

// What is not an array.
struct How {
  int length, window;  // of the keys
  float scale, softcap;
  int group;           // of 8-bit numbers; 0 where keys and values are not packed
  bool sinks, mask;    // which are there

  bool operator==(const How&) const = default;
  size_t parts() const { return group ? 3 : 1; }
};

// store is keys or values as the kernels see them, of parts [b, h, capacity, ...].
cpu::Store store(const mx::array* parts, const How& h, mx::Stream s) {
  cpu::Store out{};
  cpu::Heads words = heads(parts[0], s);
  out.data = const_cast<void*>(words.data);
  out.batch = words.batch, out.head = words.head, out.token = words.token;
  out.type = type_of(op, parts[h.group ? 1 : 0]);
  if (h.group) {
    cpu::Heads scales = heads(readable(parts[1], s), s), biases = heads(readable(parts[2], s), s);
    out.bits = 8, out.group = h.group;
    out.scales = const_cast<void*>(scales.data), out.biases = const_cast<void*>(biases.data);
    out.scales_batch = scales.batch, out.scales_head = scales.head, out.scales_token = scales.token;
  }
  return out;
}

// Inputs: q [b, heads, l, d], the parts of the keys and of the values, then sinks
// [heads] in float32 and a mask of bool that broadcasts to [b, 1, l, length].
class CPUAttention : public CPUPrimitive {
 public:
  CPUAttention(mx::Stream s, How h) : CPUPrimitive(s), h_(h) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    if (out.size() == 0) return;
    const mx::array &q = inputs[0], &keys = inputs[1];
    size_t n = h_.parts(), next = 1 + 2 * n;
    cpu::Attend task{};
    task.q = heads(q, stream()), task.y = out.data<char>(), task.type = type_of(op, out);
    task.k = store(&inputs[1], h_, stream()), task.v = store(&inputs[1 + n], h_, stream());
    task.b = q.shape(0), task.heads = q.shape(1), task.kv_heads = keys.shape(1), task.l = q.shape(2);
    task.d = q.shape(3), task.value_d = out.shape(3);
    task.keys = h_.length, task.window = h_.window, task.scale = h_.scale, task.softcap = h_.softcap;
    if (h_.sinks) task.sinks = static_cast<const float*>(bytes(readable(inputs[next++], stream())));
    if (h_.mask) see(task, inputs[next]);
    dispatch(stream(), [task] { cpu::attend(task); });
  }

  const char* name() const override { return "CPUAttention"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return h_ == static_cast<const CPUAttention&>(other).h_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.back() = inputs[1 + h_.parts()].shape(3) * (h_.group ? 4 : 1);
    return {shape};
  }

 private:
  // see takes the mask where it lies; an axis of 1 is the same for all.
  static void see(cpu::Attend& task, const mx::array& mask) {
    auto stride = [&](int from_end) -> int64_t {
      int axis = int(mask.ndim()) - from_end;
      return axis < 0 || mask.shape(axis) == 1 ? 0 : mask.strides(axis);
    };
    task.seen = static_cast<const bool*>(bytes(mask));
    task.seen_key = stride(1), task.seen_query = stride(2), task.seen_batch = stride(4);
  }

  How h_;
};

// check_store refuses keys or values that are no store for q.
void check_store(const std::vector<mx::array>& parts, const How& h, const mx::array& q) {
  if (parts.size() != h.parts()) {
    refuse(op, "wants " + std::to_string(h.parts()) + " arrays of keys and as many of values.");
  }
  for (size_t i = 0; i < parts.size(); i++) {
    const auto& p = parts[i];
    bool fit = p.ndim() == 4 && p.shape(0) == q.shape(0) && p.shape(1) > 0 && q.shape(1) % p.shape(1) == 0 &&
               p.shape(2) >= h.length;
    if (!fit) refuse(op, "keys or values " + text(p.shape()) + " do not fit queries " + text(q.shape()) + ".");
    if (h.group && i == 0) {
      if (p.dtype() != mx::uint32) refuse(op, "wants packed numbers of uint32.");
    } else {
      type_of(op, p);
    }
  }
  if (!h.group) return;
  auto want = parts[0].shape();
  want.back() = want.back() * 4 / h.group;
  if (parts[0].shape(3) * 4 % h.group != 0 || parts[1].shape() != want || parts[2].shape() != want ||
      parts[1].dtype() != parts[2].dtype()) {
    refuse(op, "scales and biases do not fit packed numbers " + text(parts[0].shape()) + ".");
  }
}

// width is the features of keys or values.
int width(const mx::array& first, const How& h) { return first.shape(3) * (h.group ? 4 : 1); }

void check_mask(const mx::array& mask, const mx::array& q, int length) {
  if (mask.dtype() != mx::bool_ || mask.ndim() > 4) refuse(op, "wants a mask of bool of up to 4 dimensions.");
  const int want[] = {length, q.shape(2), 1, q.shape(0)};
  for (int i = 0; i < int(mask.ndim()); i++) {
    int n = mask.shape(int(mask.ndim()) - 1 - i);
    if (n != 1 && n != want[i]) {
      refuse(op, "a mask " + text(mask.shape()) + " does not fit " + std::to_string(length) + " keys of queries " +
                     text(q.shape()) + ".");
    }
  }
}

void check_sizes(const mx::array& q, const std::vector<mx::array>& keys, const std::vector<mx::array>& values,
                 const How& h) {
  if (q.ndim() != 4) refuse(op, "wants queries [b, heads, l, d], not " + text(q.shape()) + ".");
  if (h.group != 0 && h.group != 32 && h.group != 64 && h.group != 128) {
    refuse(op, "does not know groups of " + std::to_string(h.group) + ".");
  }
  check_store(keys, h, q);
  check_store(values, h, q);
  if (h.length < q.shape(2) || keys[0].shape(1) != values[0].shape(1) || width(keys[0], h) != q.shape(3) ||
      keys[h.group ? 1 : 0].dtype() != values[h.group ? 1 : 0].dtype()) {
    refuse(op, "keys " + text(keys[0].shape()) + " and values " + text(values[0].shape()) +
                   " do not fit each other and queries " + text(q.shape()) + ".");
  }
  if (q.shape(3) > cpu::max_head || width(values[0], h) > cpu::max_head) {
    refuse(op, "knows heads of up to " + std::to_string(cpu::max_head) + " features.");
  }
}

std::vector<mx::array> arrays_of(const mlx_vector_array v) {
  if (!v.ctx) throw std::invalid_argument("expected a non-empty mlx_vector_array");
  return *static_cast<std::vector<mx::array>*>(v.ctx);
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_attention(mlx_array* res, const mlx_array queries, const mlx_vector_array keys,
                                   const mlx_vector_array values, int length, int window, float scale, float softcap,
                                   const mlx_array sinks, const mlx_array mask, int group_size, const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] {
    mx::array q = array_of(queries);
    auto k = arrays_of(keys), v = arrays_of(values);
    auto sink = optional_of(sinks), seen = optional_of(mask);
    How h{length, window, scale, softcap, group_size, sink.has_value(), seen.has_value()};
    require_cpu(op, stream_of(s));
    type_of(op, q);
    check_sizes(q, k, v, h);
    std::vector<mx::array> inputs{q};
    inputs.insert(inputs.end(), k.begin(), k.end());
    inputs.insert(inputs.end(), v.begin(), v.end());
    if (sink) {
      if (sink->shape() != mx::Shape{q.shape(1)} || sink->dtype() != mx::float32) {
        refuse(op, "wants a sink of float32 for each of the heads.");
      }
      inputs.push_back(*sink);
    }
    if (seen) {
      check_mask(*seen, q, length);
      inputs.push_back(*seen);
    }
    mx::Shape shape = {q.shape(0), q.shape(1), q.shape(2), width(v[0], h)};
    return mx::array(std::move(shape), q.dtype(), std::make_shared<CPUAttention>(stream_of(s), h),
                     std::move(inputs));
  });
}
