// Attention over the buffers of a cache.
#include "mlx/allocator.h"
#include "stores.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_attention";

// Inputs: q [b, heads, l, d], the parts of the keys and of the values, then sinks
// [heads] in float32 and a mask of bool that broadcasts to [b, 1, l, length].
class CPUAttention : public CPUPrimitive {
 public:
  CPUAttention(mx::Stream s, How h) : CPUPrimitive(s), h_(h) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate_by_token(out);
    if (out.size() == 0) return;
    cpu::Attend task = attend(op, inputs[0].shape(), &inputs[1], h_, stream());
    task.q = heads(inputs[0], stream()), task.y = out.data<char>(), task.type = type_of(op, out);
    dispatch(stream(), [task] { cpu::attend(task); });
  }

  const char* name() const override { return "CPUAttention"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return h_ == static_cast<const CPUAttention&>(other).h_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.back() = width(inputs[1 + h_.parts()], h_);
    return {shape};
  }

 private:
  // The heads of a token side by side, so that joining them copies nothing.
  static void allocate_by_token(mx::array& out) {
    int64_t heads = out.shape(1), l = out.shape(2), d = out.shape(3);
    if (heads == 1 || l == 1) return allocate(out);
    auto flags = out.flags();
    flags.contiguous = true, flags.row_contiguous = flags.col_contiguous = false;
    out.set_data(mx::allocator::malloc(out.nbytes()), out.size(), {l * heads * d, d, heads * d, 1}, flags);
  }

  How h_;
};

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
    if (q.ndim() != 4) refuse(op, "wants queries [b, heads, l, d], not " + text(q.shape()) + ".");
    check(op, q.shape(), k, v, sink, seen, h);
    std::vector<mx::array> inputs{q};
    inputs.insert(inputs.end(), k.begin(), k.end());
    inputs.insert(inputs.end(), v.begin(), v.end());
    if (sink) inputs.push_back(*sink);
    if (seen) inputs.push_back(*seen);
    mx::Shape shape = {q.shape(0), q.shape(1), q.shape(2), width(v[0], h)};
    return mx::array(std::move(shape), q.dtype(), std::make_shared<CPUAttention>(stream_of(s), h),
                     std::move(inputs));
  });
}
