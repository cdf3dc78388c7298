// RMS norm in one pass, with a residual added first where there is one.
#include "mlx/ops.h"
#include "mlx/utils.h"
#include "heads.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_rms_norm";

// Inputs: x [..., d] and, if there is one, a weight [d] of its dtype.
class CPURMSNorm : public CPUPrimitive {
 public:
  CPURMSNorm(mx::Stream s, float eps) : CPUPrimitive(s), eps_(eps) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows x = rows(inputs[0], stream());
    if (x.count == 0) return;
    const void* weight = inputs.size() > 1 ? bytes(readable(inputs[1], stream())) : nullptr;
    cpu::RmsNorm task{strided(x), {}, weight, nullptr, out.data<char>(), type_of(op, out), x.count, x.width, eps_};
    dispatch(stream(), [task] { cpu::rms_norm(task); });
  }

  const char* name() const override { return "CPURMSNorm"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return eps_ == static_cast<const CPURMSNorm&>(other).eps_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  float eps_;
};

// Inputs: x and what is added to it [..., d], and, if there is one, a weight [d], of one dtype.
// Outputs: the sum, and its norm.
class CPUAddRMSNorm : public mx::Primitive {
 public:
  CPUAddRMSNorm(mx::Stream s, float eps) : Primitive(s), eps_(eps) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    for (auto& out : outputs) allocate(out);
    Rows x = rows(inputs[0], stream()), plus = rows(inputs[1], stream());
    if (x.count == 0) return;
    const void* weight = inputs.size() > 2 ? bytes(readable(inputs[2], stream())) : nullptr;
    cpu::RmsNorm task{strided(x), strided(plus), weight, outputs[0].data<char>(), outputs[1].data<char>(),
                      type_of(op, outputs[0]), x.count, x.width, eps_};
    dispatch(stream(), [task] { cpu::rms_norm(task); });
  }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override { require_cpu(name(), stream()); }

  const char* name() const override { return "CPUAddRMSNorm"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return eps_ == static_cast<const CPUAddRMSNorm&>(other).eps_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    return {inputs[0].shape(), inputs[0].shape()};
  }

 private:
  float eps_;
};

void check_weight(const mx::array& x, const std::optional<mx::array>& weight) {
  if (x.ndim() == 0) refuse(op, "wants x of at least one dimension.");
  if (weight && (weight->ndim() != 1 || weight->shape(0) != x.shape(-1))) {
    refuse(op, "a weight " + text(weight->shape()) + " does not fit x " + text(x.shape()) + ".");
  }
}

mx::array norm(const mx::array& x, const std::optional<mx::array>& weight, float eps, mx::Stream s) {
  require_cpu(op, s);
  check_weight(x, weight);
  auto dtype = weight ? mx::result_type(x, *weight) : x.dtype();
  std::vector<mx::array> inputs{mx::astype(x, dtype, s)};
  type_of(op, inputs[0]);
  if (weight) {
    inputs.push_back(mx::astype(*weight, dtype, s));
  }
  return mx::array(x.shape(), dtype, std::make_shared<CPURMSNorm>(s, eps), std::move(inputs));
}

std::vector<mx::array> add_norm(const mx::array& x, const mx::array& plus, const std::optional<mx::array>& weight,
                                float eps, mx::Stream s) {
  require_cpu(op, s);
  check_weight(x, weight);
  type_of(op, x);
  if (plus.shape() != x.shape() || plus.dtype() != x.dtype() || (weight && weight->dtype() != x.dtype())) {
    refuse(op, "x " + text(x.shape()) + ", what is added " + text(plus.shape()) + " and the weight are not alike.");
  }
  std::vector<mx::array> inputs{x, plus};
  if (weight) inputs.push_back(*weight);
  return mx::array::make_arrays({x.shape(), x.shape()}, {x.dtype(), x.dtype()},
                                std::make_shared<CPUAddRMSNorm>(s, eps), inputs);
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_rms_norm(mlx_array* res, const mlx_array x, const mlx_array weight, float eps,
                                  const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] { return norm(array_of(x), optional_of(weight), eps, stream_of(s)); });
}

extern "C" int gomlx_cpu_add_rms_norm(mlx_array* sum, mlx_array* normed, const mlx_array x, const mlx_array plus,
                                      const mlx_array weight, float eps, const mlx_stream s) {
  using namespace gomlx;
  return guarded([&] {
    auto both = add_norm(array_of(x), array_of(plus), optional_of(weight), eps, stream_of(s));
    set(sum, std::move(both[0]));
    set(normed, std::move(both[1]));
  });
}
