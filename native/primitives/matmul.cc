// The product with a matrix of float32, bfloat16 or float16 that is summed in
// float32.
#include "mlx/ops.h"
#include "support.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_matmul";

mx::array product(const mx::array& x, const mx::array& w, mx::Stream s);

// Inputs: x [..., k], w [n, k]. Output [..., n] of x's dtype.
class CPUMatmul : public CPUPrimitive {
 public:
  using CPUPrimitive::CPUPrimitive;

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows x = rows(inputs[0], stream());
    mx::array w = readable(inputs[1], stream());
    if (out.size() == 0) return;
    dispatch(stream(), [x = x.activations(), w = bytes(w), w_type = type_of(op, w), n = int64_t(w.shape(0)),
                        y = out.data<char>(), type = type_of(op, out)] {
      cpu::matmul(x, w, w_type, n, y, type);
    });
  }

  // By MLX's product, with a matrix of x's dtype.
  std::vector<mx::array> vjp(const std::vector<mx::array>& primals, const std::vector<mx::array>& cotangents,
                             const std::vector<int>& argnums, const std::vector<mx::array>&) override {
    auto dtype = primals[0].dtype();
    int k = primals[0].shape(-1), n = primals[1].shape(0);
    auto dy = mx::reshape(cotangents[0], {-1, n}, stream());
    std::vector<mx::array> grads;
    for (int arg : argnums) {
      if (arg == 0) {
        auto dx = mx::matmul(dy, mx::astype(primals[1], dtype, stream()), stream());
        grads.push_back(mx::reshape(dx, primals[0].shape(), stream()));
      } else {
        auto x = mx::reshape(primals[0], {-1, k}, stream());
        auto dw = mx::matmul(mx::transpose(dy, stream()), x, stream());
        grads.push_back(mx::astype(dw, primals[1].dtype(), stream()));
      }
    }
    return grads;
  }

  std::vector<mx::array> jvp(const std::vector<mx::array>& primals, const std::vector<mx::array>& tangents,
                             const std::vector<int>& argnums) override {
    std::optional<mx::array> sum;
    for (size_t i = 0; i < argnums.size(); i++) {
      auto part = argnums[i] == 0 ? product(tangents[i], primals[1], stream())
                                  : product(primals[0], tangents[i], stream());
      sum = sum ? mx::add(*sum, part, stream()) : part;
    }
    return {*sum};
  }

  std::pair<std::vector<mx::array>, std::vector<int>> vmap(const std::vector<mx::array>& inputs,
                                                           const std::vector<int>& axes) override {
    return {{product(batched(op, inputs[0], axes, stream()), inputs[1], stream())}, {axes[0] < 0 ? -1 : 0}};
  }

  const char* name() const override { return "CPUMatmul"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = inputs[0].shape();
    shape.back() = inputs[1].shape(0);
    return {shape};
  }
};

mx::array product(const mx::array& x, const mx::array& w, mx::Stream s) {
  require_cpu(op, s);
  type_of(op, x);
  type_of(op, w);
  if (w.ndim() != 2 || x.ndim() == 0 || x.shape(-1) != w.shape(1)) {
    refuse(op, "x " + text(x.shape()) + " does not fit a matrix " + text(w.shape()) + ".");
  }
  auto shape = x.shape();
  shape.back() = w.shape(0);
  if (x.shape(-1) == 0) return mx::zeros(shape, x.dtype(), s);  // a sum of nothing
  return mx::array(std::move(shape), x.dtype(), std::make_shared<CPUMatmul>(s), {x, w});
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_matmul(mlx_array* res, const mlx_array x, const mlx_array w, const mlx_stream s) {
  return gomlx::made(res, [&] {
    return gomlx::product(gomlx::array_of(x), gomlx::array_of(w), gomlx::stream_of(s));
  });
}
