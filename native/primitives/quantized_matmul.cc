// The product with a packed matrix.
#include "dequantize.h"
#include "mlx/ops.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_quantized_matmul";

mx::array product(const mx::array& x, const PackedWeight& w, const Packing& p, bool exact, mx::Stream s);

// Inputs: x [..., k], then the packed matrix [n, k]. Output [..., n] of x's dtype.
// Its gradients are those of the exact product.
class CPUQuantizedMatmul : public CPUPrimitive {
 public:
  CPUQuantizedMatmul(mx::Stream s, Packing p, bool exact) : CPUPrimitive(s), p_(p), exact_(exact) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows x = rows(inputs[0], stream());
    cpu::Packed w = PackedWeight::of(p_, inputs, 1).packed(p_, stream());
    if (out.size() == 0) return;
    dispatch(stream(), [x = x.activations(exact_), w, y = out.data<char>(), type = type_of(op, out)] {
      cpu::quantized_matmul(x, w, y, type);
    });
  }

  // With respect to x: the product with the matrix as numbers, by the BLAS, which is
  // far faster than MLX's own. The others are those of MLX's operation.
  std::vector<mx::array> vjp(const std::vector<mx::array>& primals, const std::vector<mx::array>& cotangents,
                             const std::vector<int>& argnums, const std::vector<mx::array>&) override {
    auto w = PackedWeight::of(p_, primals, 1);
    std::vector<mx::array> grads;
    for (int arg : argnums) {
      if (arg == 0) {
        auto dy = mx::astype(cotangents[0], mx::float32, stream());
        auto dx = mx::matmul(dy, dequantize(w, p_, stream()), stream());
        grads.push_back(mx::astype(dx, primals[0].dtype(), stream()));
        continue;
      }
      if (!w.known_to_mlx(p_)) refuse(op, "has a gradient with respect to x only: MLX does not know such a matrix.");
      auto y = mx::quantized_matmul(primals[0], w.w, w.scales, w.biases, true, p_.group, p_.bits, p_.name(),
                                    stream());
      grads.push_back(gradients(y, cotangents, {arg}, primals)[0]);
    }
    return grads;
  }

  std::vector<mx::array> jvp(const std::vector<mx::array>& primals, const std::vector<mx::array>& tangents,
                             const std::vector<int>& argnums) override {
    if (argnums.size() > 1 || argnums[0] != 0) refuse(op, "has no JVP with respect to the matrix.");
    return {product(tangents[0], PackedWeight::of(p_, primals, 1), p_, true, stream())};
  }

  std::pair<std::vector<mx::array>, std::vector<int>> vmap(const std::vector<mx::array>& inputs,
                                                           const std::vector<int>& axes) override {
    auto x = batched(op, inputs[0], axes, stream());
    return {{product(x, PackedWeight::of(p_, inputs, 1), p_, exact_, stream())}, {axes[0] < 0 ? -1 : 0}};
  }

  const char* name() const override { return "CPUQuantizedMatmul"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    auto& o = static_cast<const CPUQuantizedMatmul&>(other);
    return p_ == o.p_ && exact_ == o.exact_;
  }

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.back() = inputs[1].shape(-2);
    return {shape};
  }

 private:
  Packing p_;
  bool exact_;
};

mx::array product(const mx::array& x, const PackedWeight& w, const Packing& p, bool exact, mx::Stream s) {
  require_cpu(op, s);
  type_of(op, x);
  check_packed(op, p, w);
  if (w.w.ndim() != 2) refuse(op, "wants one matrix, not " + text(w.w.shape()) + ".");
  if (x.ndim() == 0 || x.shape(-1) != width(p, w.w)) {
    refuse(op, "x " + text(x.shape()) + " does not fit a matrix of rows of " +
                   std::to_string(width(p, w.w)) + ".");
  }
  std::vector<mx::array> inputs{x};
  for (auto& a : w.arrays()) inputs.push_back(a);
  auto shape = x.shape();
  shape.back() = int(w.n());
  if (x.shape(-1) == 0) return mx::zeros(shape, x.dtype(), s);  // a sum of nothing
  return mx::array(std::move(shape), x.dtype(), std::make_shared<CPUQuantizedMatmul>(s, p, exact),
                   std::move(inputs));
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_quantized_matmul(mlx_array* res, const mlx_array x, const mlx_array w,
                                          const mlx_array scales, const mlx_array biases, int group_size,
                                          int bits, const char* mode, bool exact, const mlx_stream s) {
  using namespace gomlx;
  return made(res, [&] {
    PackedWeight weight{array_of(w), array_of(scales), optional_of(biases)};
    return product(array_of(x), weight, packing(op, mode, bits, group_size, weight.biases.has_value()), exact, stream_of(s));
  });
}
