#include "dequantize.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_dequantize";

// Inputs: the packed weight [..., n, k]. Output: it as float32.
class CPUDequantize : public CPUPrimitive {
 public:
  CPUDequantize(mx::Stream s, Packing p) : CPUPrimitive(s), p_(p) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    cpu::Packed w = PackedWeight::of(p_, inputs, 0).packed(p_, stream());
    if (out.size() == 0) return;
    w.n = int64_t(out.size()) / w.k; // the rows of all matrices
    dispatch(stream(), [w, y = out.data<float>()] {
      constexpr int64_t step = 16;
      cpu::pool().each(int((w.n + step - 1) / step), [&](int i) {
        int64_t from = i * step, to = std::min(from + step, w.n);
        cpu::dequantize_rows(w, from, to, y + from * w.k);
      });
    });
  }

  const char* name() const override { return "CPUDequantize"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    return p_ == static_cast<const CPUDequantize&>(other).p_;
  }

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.back() = int(width(p_, inputs[0]));
    return {shape};
  }

 private:
  Packing p_;
};

}  // namespace

mx::array dequantize(const PackedWeight& w, const Packing& p, mx::Stream s) {
  require_cpu(op, s);
  check_packed(op, p, w);
  auto shape = w.w.shape();
  shape.back() = int(width(p, w.w));
  return mx::array(std::move(shape), mx::float32, std::make_shared<CPUDequantize>(s, p), w.arrays());
}

}  // namespace gomlx

extern "C" int gomlx_cpu_dequantize(mlx_array* res, const mlx_array w, const mlx_array scales,
                                    const mlx_array biases, int group_size, int bits, const char* mode,
                                    const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] {
    PackedWeight weight{array_of(w), array_of(scales), optional_of(biases)};
    return dequantize(weight, packing(op, mode, bits, group_size, weight.biases.has_value()), stream_of(s));
  });
}
