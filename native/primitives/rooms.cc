// Memory for weights that are written where they lie: one block for all, which
// the system may give in large pages. Touching a hundred megabytes for the first
// time in pages of 4 KB takes longer than filling them.
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "mlx/allocator.h"
#include "stores.h"

namespace gomlx {
namespace {

constexpr const char* op = "cpu_rooms";
constexpr int64_t line = 64;           // each array begins at a multiple of it
constexpr uintptr_t large = 2u << 20;  // bytes of a large page

// Asks for large pages where they lie within the block. It is advice: where the
// system does not take it, nothing is lost.
void advise([[maybe_unused]] void* block, [[maybe_unused]] size_t size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  uintptr_t from = (uintptr_t(block) + large - 1) / large * large, to = (uintptr_t(block) + size) / large * large;
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#endif
}

// a's part of a block of bytes.
mx::array room(const mx::array& block, const mx::array& a, int64_t at) {
  mx::array out(a.shape(), a.dtype(), nullptr, {});
  mx::Strides strides(a.ndim(), 1);
  for (int d = int(a.ndim()) - 2; d >= 0; d--) strides[d] = strides[d + 1] * a.shape(d + 1);
  bool column = a.size() == size_t(a.ndim() ? a.shape(0) : 1);
  out.copy_shared_buffer(block, strides, {true, true, column}, a.size(), at / int64_t(a.itemsize()));
  out.set_status(mx::array::Status::available);
  return out;
}

std::vector<mx::array> rooms(const std::vector<mx::array>& like, mx::Stream s) {
  require_cpu(op, s);
  std::vector<int64_t> places;
  int64_t size = 0;
  for (const mx::array& a : like) {
    places.push_back(size);
    size += (int64_t(a.nbytes()) + line - 1) / line * line;
  }
  mx::allocator::Buffer memory = mx::allocator::malloc(size_t(size + line));
  uintptr_t begin = uintptr_t(memory.raw_ptr());
  advise(memory.raw_ptr(), size_t(size + line));
  mx::array block(memory, {0}, mx::uint8); // its size is of no use, and more than a shape may say
  std::vector<mx::array> all;
  for (size_t i = 0; i < like.size(); i++) all.push_back(room(block, like[i], int64_t(-begin % line) + places[i]));
  return all;
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_rooms(mlx_vector_array* res, const mlx_vector_array like, const mlx_stream s) {
  using namespace gomlx;
  return guarded([&] { set(res, rooms(arrays_of(like), stream_of(s))); });
}
