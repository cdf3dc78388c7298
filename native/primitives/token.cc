// Attention of one token from what a joined product left of it, with norm, rope and the
// cache's buffers, which are written in place.
#include "stores.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_attend_token";

// Way is what happens to a token before it is attended to.
struct Way {
  int heads, at, dims;
  bool neighbours, turns, norms;
  float eps;
  How how;

  bool operator==(const Way&) const = default;
  size_t buffers() const { return 2 * how.parts(); }
};

// shape_of is that of the queries, [b, heads, 1, d].
mx::Shape shape_of(const mx::array& qkv, const mx::array& keys, const Way& w) {
  return {qkv.shape(0), w.heads, 1, width(keys, w.how)};
}

// The output takes the input's buffer where nobody else has it, and a copy otherwise.
void take(const mx::array& in, mx::array& out, mx::Stream s) {
  if (in.is_donatable() && in.flags().row_contiguous) return out.copy_shared_buffer(in);
  mx::array copy = copied(in, s);
  out.copy_shared_buffer(copy);
}

// Inputs: the token [b, n], the parts of the keys and of the values; sinks and mask; cosines and sines; weights
// of the norms, where they are. Outputs: [b, heads*dv] and the buffers.
class CPUAttendToken : public mx::Primitive {
 public:
  CPUAttendToken(mx::Stream s, Way w) : Primitive(s), w_(w) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    release(inputs, outputs);
    const mx::array& qkv = inputs[0];
    auto s = stream();
    allocate(outputs[0]);
    for (size_t i = 1; i < outputs.size(); i++) take(inputs[i], outputs[i], s);
    if (outputs[0].size() == 0) return;
    std::vector<mx::array> parts(outputs.begin() + 1, outputs.end());
    size_t next = 1 + w_.buffers();
    for (int i = 0; i < w_.how.sinks + w_.how.mask; i++) parts.push_back(inputs[next++]);
    cpu::Token task{strided(rows(qkv, s)), nullptr, nullptr, w_.eps, {}, w_.dims, w_.neighbours, w_.at,
                    attend(op, shape_of(qkv, parts[0], w_), parts.data(), w_.how, s)};
    task.attend.y = outputs[0].data<char>(), task.attend.type = type_of(op, qkv);
    if (w_.turns) task.angles = angles(inputs[next], inputs[next + 1]), next += 2;
    if (w_.norms) task.q_norm = bytes(readable(inputs[next], s)), task.k_norm = bytes(readable(inputs[next + 1], s));
    dispatch(s, [task] { cpu::attend_token(task); });
  }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override { require_cpu(name(), stream()); }

  const char* name() const override { return "CPUAttendToken"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return w_ == static_cast<const CPUAttendToken&>(other).w_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    std::vector<mx::Shape> shapes{{inputs[0].shape(0), w_.heads * width(inputs[1 + w_.how.parts()], w_.how)}};
    for (size_t i = 1; i <= w_.buffers(); i++) shapes.push_back(inputs[i].shape());
    return shapes;
  }

 private:
  // MLX gives every output a list of the inputs, by which each buffer would have several owners.
  static void release(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
    for (auto& out : outputs) {
      if (out.is_tracer()) return;
    }
    for (auto& out : outputs) {
      if (&out.inputs() != &inputs) out.inputs().clear();
    }
  }

  cpu::Angles angles(const mx::array& cos, const mx::array& sin) {
    mx::array c = readable(cos, stream()), s = readable(sin, stream());
    int64_t d = cos.shape(-1);
    return {c.data<float>(), s.data<float>(), cos.ndim() == 4 && cos.shape(0) > 1 ? d : 0, d};
  }

  Way w_;
};

void check_angles(const mx::array& a, const mx::Shape& q, const Way& w) {
  bool rows = a.ndim() == 4 && (a.shape(0) == q[0] || a.shape(0) == 1) && a.shape(1) == 1;
  bool fit = (a.ndim() == 2 || rows) && a.shape(-2) == 1 && a.shape(-1) == q[3];
  if (!fit || a.dtype() != mx::float32 || w.dims <= 0 || w.dims % 2 != 0 || w.dims > q[3]) {
    refuse(op, "cannot turn " + std::to_string(w.dims) + " of " + std::to_string(q[3]) +
                   " features by cosines and sines " + text(a.shape()) + ".");
  }
}

void check_weight(const mx::array& weight, const mx::array& qkv, const mx::Shape& q) {
  if (weight.shape() != mx::Shape{q[3]} || weight.dtype() != qkv.dtype()) {
    refuse(op, "a weight " + text(weight.shape()) + " does not norm heads of " + std::to_string(q[3]) +
                   " features of the token's dtype.");
  }
}

// check_token refuses a token that is not queries, keys and values side by side, or has no place.
void check_token(const mx::array& qkv, const std::vector<mx::array>& keys, const std::vector<mx::array>& values,
                 const Way& w) {
  type_of(op, qkv);
  bool fit = qkv.ndim() == 2 && w.heads > 0 && !keys.empty() && !values.empty() && keys[0].ndim() == 4 &&
             values[0].ndim() == 4;
  if (fit) {
    int64_t d = width(keys[0], w.how), kv = keys[0].shape(1), value_d = width(values[0], w.how);
    fit = qkv.shape(1) == (w.heads + kv) * d + kv * value_d;
  }
  if (!fit) refuse(op, "a token " + text(qkv.shape()) + " is not the keys and values, and queries of " +
                           std::to_string(w.heads) + " heads.");
  if (w.at < 0 || w.at >= w.how.length) {
    refuse(op, "the place " + std::to_string(w.at) + " is not among " + std::to_string(w.how.length) + " keys.");
  }
}

using Pair = std::pair<std::optional<mx::array>, std::optional<mx::array>>;

// both reports whether a pair is there; a half of one is refused.
bool both(const Pair& p, const char* what) {
  if (p.first.has_value() != p.second.has_value()) refuse(op, std::string("wants two ") + what + " or none.");
  return p.first.has_value();
}

std::vector<mx::array> token(const mx::array& qkv, const std::vector<mx::array>& keys,
                             const std::vector<mx::array>& values, const std::optional<mx::array>& sinks,
                             const std::optional<mx::array>& mask, const Pair& angles, const Pair& norms, Way w,
                             mx::Stream s) {
  require_cpu(op, s);
  check_token(qkv, keys, values, w);
  mx::Shape q = shape_of(qkv, keys[0], w);
  check(op, q, keys, values, sinks, mask, w.how);
  w.turns = both(angles, "angles"), w.norms = both(norms, "norms");
  std::vector<mx::array> inputs{qkv};
  inputs.insert(inputs.end(), keys.begin(), keys.end());
  inputs.insert(inputs.end(), values.begin(), values.end());
  std::vector<mx::Shape> shapes{{q[0], w.heads * width(values[0], w.how)}};
  std::vector<mx::Dtype> dtypes{qkv.dtype()};
  for (size_t i = 1; i < inputs.size(); i++) shapes.push_back(inputs[i].shape()), dtypes.push_back(inputs[i].dtype());
  for (auto& a : {sinks, mask, angles.first, angles.second, norms.first, norms.second}) {
    if (a) inputs.push_back(*a);
  }
  if (w.turns) check_angles(*angles.first, q, w), check_angles(*angles.second, q, w);
  if (w.norms) check_weight(*norms.first, qkv, q), check_weight(*norms.second, qkv, q);
  return mx::array::make_arrays(shapes, dtypes, std::make_shared<CPUAttendToken>(s, w), inputs);
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_attend_token(mlx_vector_array* res, const mlx_array qkv, const mlx_vector_array keys,
                                      const mlx_vector_array values, const mlx_array q_norm, const mlx_array k_norm,
                                      float eps, const mlx_array cos, const mlx_array sin, int dims, bool traditional,
                                      int heads, int at, int length, int window, float scale, float softcap,
                                      const mlx_array sinks, const mlx_array mask, int group_size,
                                      const mlx_stream s) {
  using namespace gomlx;
  return guarded([&] {
    auto sink = optional_of(sinks), seen = optional_of(mask);
    How how{length, window, scale, softcap, group_size, sink.has_value(), seen.has_value()};
    Way way{heads, at, dims, traditional, false, false, eps, how};
    set(res, token(array_of(qkv), arrays_of(keys), arrays_of(values), sink, seen, {optional_of(cos), optional_of(sin)},
                   {optional_of(q_norm), optional_of(k_norm)}, way, stream_of(s)));
  });
}
