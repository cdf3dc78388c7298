// Rope by sines and cosines that are there.
#include "heads.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_rope";

// Inputs: x [b, h, l, d], cos and sin [l, d] or [b, 1, l, d] in float32.
class CPURope : public CPUPrimitive {
 public:
  CPURope(mx::Stream s, int dims, bool neighbours) : CPUPrimitive(s), dims_(dims), neighbours_(neighbours) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    if (out.size() == 0) return;
    mx::array cos = readable(inputs[1], stream()), sin = readable(inputs[2], stream());
    int64_t l = out.shape(2), d = out.shape(3);
    cpu::Angles angles{cos.data<float>(), sin.data<float>(), cos.ndim() == 4 && cos.shape(0) > 1 ? l * d : 0, d};
    cpu::Turn task{heads(inputs[0], stream()), angles, out.data<char>(), type_of(op, out), out.shape(0), out.shape(1),
                   l, d, dims_, neighbours_};
    dispatch(stream(), [task] { cpu::turn(task); });
  }

  const char* name() const override { return "CPURope"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    auto& o = static_cast<const CPURope&>(other);
    return dims_ == o.dims_ && neighbours_ == o.neighbours_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  int dims_;
  bool neighbours_;
};

void check_angles(const mx::array& a, const mx::array& x) {
  bool rows = a.ndim() == 4 && (a.shape(0) == x.shape(0) || a.shape(0) == 1) && a.shape(1) == 1;
  bool fit = (a.ndim() == 2 || rows) && a.shape(-2) == x.shape(2) && a.shape(-1) == x.shape(3);
  if (!fit || a.dtype() != mx::float32) {
    refuse(op, "wants cosines and sines of float32 [l, d] or [b, 1, l, d]; " + text(a.shape()) + " do not fit x " +
                   text(x.shape()) + ".");
  }
}

mx::array rope(const mx::array& x, const mx::array& cos, const mx::array& sin, int dims, bool neighbours,
               mx::Stream s) {
  require_cpu(op, s);
  type_of(op, x);
  if (x.ndim() != 4) refuse(op, "wants x [b, h, l, d], not " + text(x.shape()) + ".");
  check_angles(cos, x);
  check_angles(sin, x);
  if (cos.shape() != sin.shape()) refuse(op, "wants as many cosines as sines.");
  if (dims <= 0 || dims % 2 != 0 || dims > x.shape(3)) {
    refuse(op, "cannot turn " + std::to_string(dims) + " features of x " + text(x.shape()) + ".");
  }
  return mx::array(x.shape(), x.dtype(), std::make_shared<CPURope>(s, dims, neighbours), {x, cos, sin});
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_rope(mlx_array* res, const mlx_array x, const mlx_array cos, const mlx_array sin, int dims,
                              bool traditional, const mlx_stream s) {
  using namespace gomlx;
  return made(res,
              [&] { return rope(array_of(x), array_of(cos), array_of(sin), dims, traditional, stream_of(s)); });
}
