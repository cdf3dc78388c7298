#include "support.h"

#include <cstring>
#include <sstream>
#include <stdexcept>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/c/error.h"
#include "mlx/ops.h"
#include "mlx/utils.h"

namespace gomlx {

void refuse(const char* op, const std::string& what) {
  throw std::invalid_argument("[" + std::string(op) + "] " + what);
}

std::string text(const mx::Shape& shape) {
  std::ostringstream s;
  s << shape;
  return s.str();
}

cpu::Type type_of(const char* op, const mx::array& a) {
  if (a.dtype() == mx::float32) return cpu::Type::f32;
  if (a.dtype() == mx::bfloat16) return cpu::Type::bf16;
  if (a.dtype() == mx::float16) return cpu::Type::f16;
  std::ostringstream s;
  s << "wants float32, bfloat16 or float16, not " << a.dtype() << ".";
  refuse(op, s.str());
}

void require_cpu(const char* op, mx::Stream s) {
  if (s.device != mx::Device::cpu) refuse(op, "runs on a CPU only.");
}

const void* bytes(const mx::array& a) { return a.data<char>(); }

void allocate(mx::array& a) { a.set_data(mx::allocator::malloc(a.nbytes())); }

namespace {
thread_local Aside* aside = nullptr;
}

Aside::Aside() { aside = this; }
Aside::~Aside() { aside = nullptr; }

void dispatch(mx::Stream s, std::function<void()> task) {
  if (aside) return aside->tasks_.push_back(std::move(task));
  mx::cpu::get_command_encoder(s).dispatch(std::move(task));
}

namespace {

// Copies the elements of dimension d and the ones below it.
char* copy_in_order(const char* from, char* to, const mx::Shape& shape, const mx::Strides& strides,
                    size_t d, size_t size) {
  if (d == shape.size()) {
    std::memcpy(to, from, size);
    return to + size;
  }
  bool run = d + 1 == shape.size() && strides[d] == 1;
  if (run) {
    std::memcpy(to, from, shape[d] * size);
    return to + shape[d] * size;
  }
  for (int i = 0; i < shape[d]; i++) {
    to = copy_in_order(from + i * strides[d] * int64_t(size), to, shape, strides, d + 1, size);
  }
  return to;
}

}  // namespace

mx::array copied(const mx::array& a, mx::Stream s) {
  mx::array copy(a.shape(), a.dtype(), nullptr, {});
  allocate(copy);
  dispatch(s, [from = static_cast<const char*>(bytes(a)), to = copy.data<char>(), shape = a.shape(),
               strides = a.strides(),
               size = a.itemsize()] { copy_in_order(from, to, shape, strides, 0, size); });
  mx::cpu::get_command_encoder(s).add_temporary(copy);
  return copy;
}

namespace {

// The distance between the rows of a, or -1 where it differs or a row has gaps.
int64_t row_stride(const mx::array& a) {
  int last = int(a.ndim()) - 1;
  if (a.shape(last) > 1 && a.strides(last) != 1) return -1;
  int64_t stride = a.shape(last), next = -1;
  for (int d = last - 1; d >= 0; d--) {
    if (a.shape(d) == 1) continue;
    if (next < 0) {
      stride = next = a.strides(d);
    } else if (a.strides(d) != next) {
      return -1;
    }
    next *= a.shape(d);
  }
  return stride < 0 ? -1 : stride;
}

}  // namespace

mx::array readable(const mx::array& a, mx::Stream s) {
  return a.flags().row_contiguous ? a : copied(a, s);
}

Rows rows(const mx::array& x, mx::Stream s) {
  int64_t width = x.shape(-1), count = width == 0 ? 0 : int64_t(x.size()) / width;
  if (count == 0) return {x, count, width, width};
  int64_t stride = row_stride(x);
  if (stride >= 0) return {x, count, width, stride};
  return {copied(x, s), count, width, width};
}

cpu::Activations Rows::activations(bool exact) const {
  return {bytes(x), type_of("rows", x), count, width, stride, exact};
}

std::vector<mx::array> gradients(const mx::array& y, const std::vector<mx::array>& cotangents,
                                 const std::vector<int>& argnums, const std::vector<mx::array>& like) {
  auto s = y.primitive().stream();
  auto grads = y.primitive().vjp(y.inputs(), {mx::astype(cotangents[0], y.dtype(), s)}, argnums, {y});
  for (size_t i = 0; i < grads.size(); i++) grads[i] = mx::astype(grads[i], like[argnums[i]].dtype(), s);
  return grads;
}

mx::array batched(const char* op, const mx::array& x, const std::vector<int>& axes, mx::Stream s) {
  for (size_t i = 1; i < axes.size(); i++) {
    if (axes[i] >= 0) refuse(op, "has no vmap over the matrix.");
  }
  return axes[0] > 0 ? mx::moveaxis(x, axes[0], 0, s) : x;
}

const mx::array& array_of(mlx_array a) {
  if (!a.ctx) throw std::invalid_argument("expected a non-empty mlx_array");
  return *static_cast<mx::array*>(a.ctx);
}

std::optional<mx::array> optional_of(mlx_array a) {
  return a.ctx ? std::optional(array_of(a)) : std::nullopt;
}

mx::Stream stream_of(mlx_stream s) {
  if (!s.ctx) throw std::invalid_argument("expected a non-empty mlx_stream");
  return *static_cast<mx::Stream*>(s.ctx);
}

int guarded(const std::function<void()>& fn) {
  try {
    fn();
    return 0;
  } catch (std::exception& e) {
    _mlx_error(__FILE__, __LINE__, "%s", e.what());
    return 1;
  }
}

void set(mlx_array* res, mx::array a) {
  if (res->ctx) {
    *static_cast<mx::array*>(res->ctx) = std::move(a);
  } else {
    res->ctx = new mx::array(std::move(a));
  }
}

void set(mlx_vector_array* res, std::vector<mx::array> all) {
  if (res->ctx) {
    *static_cast<std::vector<mx::array>*>(res->ctx) = std::move(all);
  } else {
    res->ctx = new std::vector<mx::array>(std::move(all));
  }
}

int made(mlx_array* res, const std::function<mx::array()>& make) {
  return guarded([&] { set(res, make()); });
}

int told(mlx_string* res, const std::string& text) {
  mlx_string s = mlx_string_new_data(text.c_str());
  int status = mlx_string_set(res, s);
  mlx_string_free(s);
  return status;
}

}  // namespace gomlx
