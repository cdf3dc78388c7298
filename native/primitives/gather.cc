// The products of experts: each index names the matrix of a stack that the rows
// beside it meet. x [..., m, k] without its last two dimensions and the indices are
// broadcast to a shape S, and the result is [S, m, n].
#include "mlx/ops.h"
#include "mlx/utils.h"
#include "dequantize.h"

namespace gomlx {
namespace {

// The rows and matrices of a product, laid out when it runs.
struct Chosen {
  std::vector<uint32_t> row, expert;
};

// The shape S.
mx::Shape leading(const char* op, const mx::array& x, const mx::array& indices) {
  if (x.ndim() < 2) refuse(op, "wants x of [..., m, k], not " + text(x.shape()) + ".");
  return mx::broadcast_shapes(mx::Shape(x.shape().begin(), x.shape().end() - 2), indices.shape());
}

// The steps in a, whose elements are size apart, for one index of each dimension
// of S.
std::vector<int64_t> steps(const mx::Shape& shape, const mx::Shape& a, int64_t size) {
  std::vector<int64_t> out(shape.size(), 0);
  for (int d = int(a.size()) - 1, at = int(shape.size()) - 1; d >= 0; d--, at--) {
    if (a[d] > 1) out[at] = size;
    size *= a[d];
  }
  return out;
}

// Which row of x, taken as [rows, k], and which matrix each row of the result is of.
Chosen choose(const mx::Shape& shape, const std::vector<int64_t>& x_steps, const std::vector<int64_t>& index_steps,
              const uint32_t* indices, int64_t m) {
  Chosen c;
  std::vector<int> at(shape.size(), 0);
  int64_t count = 1, x = 0, index = 0;
  for (int d : shape) count *= d;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t j = 0; j < m; j++) {
      c.row.push_back(uint32_t(x + j));
      c.expert.push_back(indices[index]);
    }
    for (int d = int(shape.size()) - 1; d >= 0; d--) {
      x += x_steps[d], index += index_steps[d];
      if (++at[d] < shape[d]) break;
      x -= x_steps[d] * shape[d], index -= index_steps[d] * shape[d];
      at[d] = 0;
    }
  }
  return c;
}

// Inputs: x, what the matrices are made of, the indices.
class CPUGather : public CPUPrimitive {
 public:
  using CPUPrimitive::CPUPrimitive;

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    Rows x = rows(inputs[0], stream());
    mx::array indices = readable(inputs.back(), stream());
    auto multiply = product(inputs, out);
    if (out.size() == 0) return;
    auto shape = leading(name(), inputs[0], indices);
    int64_t m = inputs[0].shape(-2);
    dispatch(stream(), [x = x.activations(), experts = int64_t(inputs[1].shape(0)), multiply, shape, m,
                        x_steps = steps(shape, mx::Shape(inputs[0].shape().begin(), inputs[0].shape().end() - 2), m),
                        index_steps = steps(shape, indices.shape(), 1), from = indices.data<uint32_t>()] {
      Chosen c = choose(shape, x_steps, index_steps, from, m);
      for (uint32_t e : c.expert) {
        if (e >= experts) throw std::out_of_range("[cpu_gather] an index names no matrix.");
      }
      multiply(x, {c.row.data(), c.expert.data(), int64_t(c.row.size()), experts});
    });
  }

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override {
    auto shape = leading(name(), inputs[0], inputs.back());
    shape.push_back(inputs[0].shape(-2));
    shape.push_back(inputs[1].shape(-2));
    return {shape};
  }

 protected:
  using Multiply = std::function<void(const cpu::Activations&, const cpu::Gather&)>;

  // The product of a task of this stream.
  virtual Multiply product(const std::vector<mx::array>& inputs, mx::array& out) = 0;
};

class CPUGatherQuantizedMatmul : public CPUGather {
 public:
  CPUGatherQuantizedMatmul(mx::Stream s, Packing p, bool exact) : CPUGather(s), p_(p), exact_(exact) {}

  std::vector<mx::array> vjp(const std::vector<mx::array>& primals, const std::vector<mx::array>& cotangents,
                             const std::vector<int>& argnums, const std::vector<mx::array>&) override {
    auto w = PackedWeight::of(p_, primals, 1);
    if (!w.known_to_mlx(p_)) {
      if (argnums != std::vector<int>{0}) refuse(name(), "has a gradient with respect to x only: MLX does not know such matrices.");
      auto numbers = mx::astype(dequantize(w, p_, stream()), primals[0].dtype(), stream());
      auto y = mx::gather_mm(primals[0], mx::swapaxes(numbers, -1, -2, stream()), std::nullopt, primals.back(), false, stream());
      return gradients(y, cotangents, argnums, primals);
    }
    auto y = mx::gather_qmm(primals[0], w.w, w.scales, w.biases, std::nullopt, primals.back(), true, p_.group,
                            p_.bits, p_.name(), false, stream());
    return gradients(y, cotangents, argnums, primals);
  }

  const char* name() const override { return "CPUGatherQuantizedMatmul"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    auto& o = static_cast<const CPUGatherQuantizedMatmul&>(other);
    return p_ == o.p_ && exact_ == o.exact_;
  }

 protected:
  Multiply product(const std::vector<mx::array>& inputs, mx::array& out) override {
    return [w = PackedWeight::of(p_, inputs, 1).packed(p_, stream()), y = out.data<char>(),
            type = type_of(name(), out), exact = exact_](cpu::Activations x, const cpu::Gather& rows) {
      x.exact = exact;
      cpu::gather_quantized_matmul(x, rows, w, y, type);
    };
  }

 private:
  Packing p_;
  bool exact_;
};

class CPUGatherMatmul : public CPUGather {
 public:
  using CPUGather::CPUGather;

  std::vector<mx::array> vjp(const std::vector<mx::array>& primals, const std::vector<mx::array>& cotangents,
                             const std::vector<int>& argnums, const std::vector<mx::array>&) override {
    auto w = mx::swapaxes(mx::astype(primals[1], primals[0].dtype(), stream()), -1, -2, stream());
    auto y = mx::gather_mm(primals[0], w, std::nullopt, primals[2], false, stream());
    auto grads = gradients(y, cotangents, argnums, primals);
    for (size_t i = 0; i < grads.size(); i++) {
      if (argnums[i] == 1) grads[i] = mx::swapaxes(grads[i], -1, -2, stream());
    }
    return grads;
  }

  const char* name() const override { return "CPUGatherMatmul"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }

 protected:
  Multiply product(const std::vector<mx::array>& inputs, mx::array& out) override {
    mx::array w = readable(inputs[1], stream());
    return [w = bytes(w), w_type = type_of(name(), w), n = int64_t(w.shape(-2)), y = out.data<char>(),
            type = type_of(name(), out)](const cpu::Activations& x, const cpu::Gather& rows) {
      cpu::gather_matmul(x, rows, w, w_type, n, y, type);
    };
  }
};

// Makes the node: x and the indices around the arrays of the matrices [e, n, k].
mx::array gather(const char* op, const mx::array& x, const std::vector<mx::array>& matrices, int64_t k,
                 const mx::array& indices, std::shared_ptr<mx::Primitive> primitive) {
  auto s = primitive->stream();
  require_cpu(op, s);
  type_of(op, x);
  if (matrices[0].ndim() != 3) refuse(op, "wants matrices [e, n, k], not " + text(matrices[0].shape()) + ".");
  if (!mx::issubdtype(indices.dtype(), mx::integer)) refuse(op, "wants indices of integers.");
  auto shape = leading(op, x, indices);
  if (x.shape(-1) != k) {
    refuse(op, "x " + text(x.shape()) + " does not fit matrices of rows of " + std::to_string(k) + ".");
  }
  shape.push_back(x.shape(-2));
  shape.push_back(matrices[0].shape(1));
  if (x.shape(-1) == 0) return mx::zeros(shape, x.dtype(), s);  // a sum of nothing
  std::vector<mx::array> inputs{x};
  inputs.insert(inputs.end(), matrices.begin(), matrices.end());
  inputs.push_back(mx::astype(indices, mx::uint32, s));
  return mx::array(std::move(shape), x.dtype(), std::move(primitive), std::move(inputs));
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_gather_quantized_matmul(mlx_array* res, const mlx_array x, const mlx_array w,
                                                 const mlx_array scales, const mlx_array biases,
                                                 const mlx_array indices, int group_size, int bits,
                                                 const char* mode, bool exact, const mlx_stream s) {
  using namespace gomlx;
  constexpr const char* op = "cpu_gather_quantized_matmul";
  return made(res, [&] {
    PackedWeight weight{array_of(w), array_of(scales), optional_of(biases)};
    Packing p = packing(op, mode, bits, group_size, weight.biases.has_value());
    check_packed(op, p, weight);
    return gather(op, array_of(x), weight.arrays(), width(p, weight.w), array_of(indices),
                  std::make_shared<CPUGatherQuantizedMatmul>(stream_of(s), p, exact));
  });
}

extern "C" int gomlx_cpu_gather_matmul(mlx_array* res, const mlx_array x, const mlx_array w,
                                       const mlx_array indices, const mlx_stream s) {
  using namespace gomlx;
  constexpr const char* op = "cpu_gather_matmul";
  return made(res, [&] {
    const mx::array& matrices = array_of(w);
    type_of(op, matrices);
    return gather(op, array_of(x), {matrices}, matrices.ndim() > 0 ? matrices.shape(-1) : 0, array_of(indices),
                  std::make_shared<CPUGatherMatmul>(stream_of(s)));
  });
}
