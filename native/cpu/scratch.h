// Memory for one call, kept by the thread for the next.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace gomlx::cpu {

class Scratch {
 public:
  // n values of T, aligned to a cache line and not initialised. What an
  // earlier call of the same Scratch gave is void.
  template <class T>
  T* get(size_t n) {
    size_t bytes = n * sizeof(T);
    if (bytes > size_ || (size_ > most_kept && bytes <= most_kept)) {
      memory_.reset();
      memory_.reset(static_cast<char*>(::operator new(bytes, line)));
      size_ = bytes;
    }
    return reinterpret_cast<T*>(memory_.get());
  }

 private:
  static constexpr auto line = std::align_val_t(64);
  static constexpr size_t most_kept = size_t(4) << 20;
  struct Free {
    void operator()(char* p) const { ::operator delete(p, line); }
  };
  std::unique_ptr<char, Free> memory_;
  size_t size_ = 0;
};

}  // namespace gomlx::cpu
