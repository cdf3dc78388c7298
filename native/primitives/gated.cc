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

// Inputs: gate and up of one shape and dtype. Output the same.
class CPUGated : public CPUPrimitive {
 public:
  CPUGated(mx::Stream s, Kind k) : CPUPrimitive(s), k_(k) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows gate = rows(inputs[0], stream()), up = rows(inputs[1], stream());
    if (gate.count == 0) return;
    cpu::Gated task{strided(gate), strided(up), out.data<char>(), type_of(op, out), gate.count,
                    gate.width,     k_.gate,      k_.alpha,         k_.limit};
    dispatch(stream(), [task] { cpu::gated(task); });
  }

  const char* name() const override { return "CPUGated"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return k_ == static_cast<const CPUGated&>(other).k_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  Kind k_;
};

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
    return gated(array_of(gate), array_of(up), kind_of(activation, alpha, limit), stream_of(s));
  });
}
