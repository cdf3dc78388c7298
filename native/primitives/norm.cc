// RMS norm in one pass.
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

mx::array norm(const mx::array& x, const std::optional<mx::array>& weight, float eps, mx::Stream s) {
  require_cpu(op, s);
  if (x.ndim() == 0) refuse(op, "wants x of at least one dimension.");
  auto dtype = weight ? mx::result_type(x, *weight) : x.dtype();
  std::vector<mx::array> inputs{mx::astype(x, dtype, s)};
  type_of(op, inputs[0]);
  if (weight) {
    if (weight->ndim() != 1 || weight->shape(0) != x.shape(-1)) {
      refuse(op, "a weight " + text(weight->shape()) + " does not fit x " + text(x.shape()) + ".");
    }
    inputs.push_back(mx::astype(*weight, dtype, s));
  }
  return mx::array(x.shape(), dtype, std::make_shared<CPURMSNorm>(s, eps), std::move(inputs));
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_rms_norm(mlx_array* res, const mlx_array x, const mlx_array weight, float eps,
                                  const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] { return norm(array_of(x), optional_of(weight), eps, stream_of(s)); });
}
