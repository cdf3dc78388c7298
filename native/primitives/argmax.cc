// The place of the greatest number of each row.
#include "heads.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_argmax";

// Input: x [..., n]. Output [...] of uint32.
class CPUArgmax : public CPUPrimitive {
 public:
  explicit CPUArgmax(mx::Stream s) : CPUPrimitive(s) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows x = rows(inputs[0], stream());
    if (x.count == 0) return;
    dispatch(stream(), [x = strided(x), type = type_of(op, inputs[0]), n = x.count, d = x.width,
                        y = out.data<uint32_t>()] { cpu::argmax(x, type, n, d, y); });
  }

  const char* name() const override { return "CPUArgmax"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.pop_back();
    return {shape};
  }
};

mx::array argmax(const mx::array& x, mx::Stream s) {
  require_cpu(op, s);
  type_of(op, x);
  if (x.ndim() == 0 || x.shape(-1) == 0) refuse(op, "wants rows of numbers, not " + text(x.shape()) + ".");
  auto shape = x.shape();
  shape.pop_back();
  return mx::array(std::move(shape), mx::uint32, std::make_shared<CPUArgmax>(s), {x});
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_argmax(mlx_array* res, const mlx_array x, const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] { return argmax(array_of(x), stream_of(s)); });
}
