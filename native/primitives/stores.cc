// Keys and values in the buffers of a cache.
#include "stores.h"

#include "mlx/c/vector.h"

namespace gomlx {
namespace {

// stride_of is that of a mask where it lies; an axis of 1 is the same for all.
int64_t stride_of(const mx::array& mask, int from_end) {
  int axis = int(mask.ndim()) - from_end;
  return axis < 0 || mask.shape(axis) == 1 ? 0 : mask.strides(axis);
}

// check_store refuses keys or values that are no store for q.
void check_store(const char* op, const std::vector<mx::array>& parts, const How& h, const mx::Shape& q) {
  if (parts.size() != h.parts()) {
    refuse(op, "wants " + std::to_string(h.parts()) + " arrays of keys and as many of values.");
  }
  for (size_t i = 0; i < parts.size(); i++) {
    const auto& p = parts[i];
    bool fit = p.ndim() == 4 && p.shape(0) == q[0] && p.shape(1) > 0 && q[1] % p.shape(1) == 0 &&
               p.shape(2) >= h.length;
    if (!fit) refuse(op, "keys or values " + text(p.shape()) + " do not fit queries " + text(q) + ".");
    if (h.group && i == 0) {
      if (p.dtype() != mx::uint32) refuse(op, "wants packed numbers of uint32.");
    } else {
      type_of(op, p);
    }
  }
  if (!h.group) return;
  auto want = parts[0].shape();
  want.back() = want.back() * 4 / h.group;
  if (parts[0].shape(3) * 4 % h.group != 0 || parts[1].shape() != want || parts[2].shape() != want ||
      parts[1].dtype() != parts[2].dtype()) {
    refuse(op, "scales and biases do not fit packed numbers " + text(parts[0].shape()) + ".");
  }
}

void check_mask(const char* op, const mx::array& mask, const mx::Shape& q, int length) {
  if (mask.dtype() != mx::bool_ || mask.ndim() > 4) refuse(op, "wants a mask of bool of up to 4 dimensions.");
  const int want[] = {length, q[2], 1, q[0]};
  for (int i = 0; i < int(mask.ndim()); i++) {
    int n = mask.shape(int(mask.ndim()) - 1 - i);
    if (n != 1 && n != want[i]) {
      refuse(op, "a mask " + text(mask.shape()) + " does not fit " + std::to_string(length) + " keys of queries " + text(q) + ".");
    }
  }
}

}  // namespace

int width(const mx::array& first, const How& h) { return first.shape(3) * (h.group ? 4 : 1); }

cpu::Store store(const char* op, const mx::array* parts, const How& h, mx::Stream s) {
  cpu::Store out{};
  cpu::Heads words = heads(parts[0], s);
  out.data = const_cast<void*>(words.data);
  out.batch = words.batch, out.head = words.head, out.token = words.token;
  out.type = type_of(op, parts[h.group ? 1 : 0]);
  if (h.group) {
    cpu::Heads scales = heads(readable(parts[1], s), s), biases = heads(readable(parts[2], s), s);
    out.bits = 8, out.group = h.group;
    out.scales = const_cast<void*>(scales.data), out.biases = const_cast<void*>(biases.data);
    out.scales_batch = scales.batch, out.scales_head = scales.head, out.scales_token = scales.token;
  }
  return out;
}

cpu::Attend attend(const char* op, const mx::Shape& q, const mx::array* parts, const How& h, mx::Stream s) {
  const mx::array *keys = parts, *values = parts + h.parts(), *next = values + h.parts();
  cpu::Attend task{};
  task.k = store(op, keys, h, s), task.v = store(op, values, h, s);
  task.b = q[0], task.heads = q[1], task.kv_heads = keys->shape(1), task.l = q[2];
  task.d = q[3], task.value_d = width(*values, h);
  task.keys = h.length, task.window = h.window, task.scale = h.scale, task.softcap = h.softcap;
  if (h.sinks) task.sinks = static_cast<const float*>(bytes(readable(*next++, s)));
  if (h.mask) {
    task.seen = static_cast<const bool*>(bytes(*next));
    task.seen_key = stride_of(*next, 1), task.seen_query = stride_of(*next, 2), task.seen_batch = stride_of(*next, 4);
  }
  return task;
}

void check(const char* op, const mx::Shape& q, const std::vector<mx::array>& keys,
           const std::vector<mx::array>& values, const std::optional<mx::array>& sinks,
           const std::optional<mx::array>& mask, const How& h) {
  if (h.group != 0 && h.group != 32 && h.group != 64 && h.group != 128) {
    refuse(op, "does not know groups of " + std::to_string(h.group) + ".");
  }
  check_store(op, keys, h, q);
  check_store(op, values, h, q);
  if (h.length < q[2] || keys[0].shape(1) != values[0].shape(1) || width(keys[0], h) != q[3] ||
      keys[h.group ? 1 : 0].dtype() != values[h.group ? 1 : 0].dtype()) {
    refuse(op, "keys " + text(keys[0].shape()) + " and values " + text(values[0].shape()) +
                   " do not fit each other and queries " + text(q) + ".");
  }
  if (q[3] > cpu::max_head || width(values[0], h) > cpu::max_head) {
    refuse(op, "knows heads of up to " + std::to_string(cpu::max_head) + " features.");
  }
  if (sinks && (sinks->shape() != mx::Shape{q[1]} || sinks->dtype() != mx::float32)) {
    refuse(op, "wants a sink of float32 for each of the heads.");
  }
  if (mask) check_mask(op, *mask, q, h.length);
}

std::vector<mx::array> arrays_of(mlx_vector_array v) {
  if (!v.ctx) throw std::invalid_argument("expected a non-empty mlx_vector_array");
  return *static_cast<std::vector<mx::array>*>(v.ctx);
}

}  // namespace gomlx
