// Gated activations in one pass.
#include "heads.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_gated";

struct Kind {
  cpu::Gate gate;
  float alpha, limit;

  bool operator==(const Kind&) const = default;
};

Kind kind_of(const std::string& name, float alpha, float limit) {
  if (name == "silu") return {cpu::Gate::silu, 0, 0};
  if (name == "gelu_tanh") return {cpu::Gate::gelu, 0, 0};
  if (name == "silu_oai") return {cpu::Gate::silu_oai, alpha, limit};
  refuse(op, "does not know the activation \"" + name + "\".");
}

// Inputs: gate and up of one shape and dtype, and the output is the same; or both halves of
// rows side by side.
class CPUGated : public CPUPrimitive {
 public:
  CPUGated(mx::Stream s, Kind k) : CPUPrimitive(s), k_(k) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows gate = rows(inputs[0], stream());
    if (out.size() == 0) return;
    cpu::Strided first = strided(gate), second = first;
    if (inputs.size() > 1) {
      second = strided(rows(inputs[1], stream()));
    } else {
      second.data = static_cast<const char*>(first.data) + out.shape(-1) * out.itemsize();
    }
    cpu::Gated task{first,         second,   out.data<char>(), type_of(op, out), gate.count,
                    out.shape(-1), k_.gate,  k_.alpha,         k_.limit};
    dispatch(stream(), [task] { cpu::gated(task); });
  }

  const char* name() const override { return "CPUGated"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return k_ == static_cast<const CPUGated&>(other).k_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    return {inputs.size() > 1 ? inputs[0].shape() : half(inputs[0])};
  }

  // half is the shape of one of two that stand side by side.
  static mx::Shape half(const mx::array& both) {
    auto shape = both.shape();
    shape.back() /= 2;
    return shape;
  }

 private:
  Kind k_;
};

mx::array gated_halves(const mx::array& both, const Kind& k, mx::Stream s) {
  require_cpu(op, s);
  type_of(op, both);
  if (both.ndim() == 0 || both.shape(-1) % 2 != 0) refuse(op, "cannot halve " + text(both.shape()) + ".");
  return mx::array(CPUGated::half(both), both.dtype(), std::make_shared<CPUGated>(s, k), {both});
}

mx::array gated(const mx::array& gate, const mx::array& up, const Kind& k, mx::Stream s) {
  require_cpu(op, s);
  type_of(op, gate);
  if (gate.ndim() == 0) refuse(op, "wants a gate of at least one dimension.");
  if (gate.shape() != up.shape() || gate.dtype() != up.dtype()) {
    refuse(op, "a gate " + text(gate.shape()) + " does not go with " + text(up.shape()) + " of its shape and dtype.");
  }
  return mx::array(gate.shape(), gate.dtype(), std::make_shared<CPUGated>(s, k), {gate, up});
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_gated(mlx_array* res, const mlx_array gate, const mlx_array up, const char* activation,
                               float alpha, float limit, const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] {
    Kind kind = kind_of(activation, alpha, limit);
    auto other = optional_of(up);
    return other ? gated(array_of(gate), *other, kind, stream_of(s)) : gated_halves(array_of(gate), kind, stream_of(s));
  });
}
