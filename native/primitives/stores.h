// Keys and values in the buffers of a cache, as the primitives of attention take them.
#pragma once

#include "heads.h"

namespace gomlx {

// How queries attend: what is not an array.
struct How {
  int length, window;  // of the keys
  float scale, softcap;
  int group;           // of 8-bit numbers; 0 where keys and values are not packed
  bool sinks, mask;    // which are there

  bool operator==(const How&) const = default;
  size_t parts() const { return group ? 3 : 1; }
};

// store is keys or values as the kernels see them, of parts [b, h, capacity, ...].
cpu::Store store(const char* op, const mx::array* parts, const How& h, mx::Stream s);

// width is the features of keys or values, of which that is the first part.
int width(const mx::array& first, const How& h);

// attend is a kernel's task for queries of a shape [b, heads, l, d], without q and y: of the parts of
// the keys and of the values, then sinks and a mask where they are.
cpu::Attend attend(const char* op, const mx::Shape& q, const mx::array* parts, const How& h, mx::Stream s);

// check refuses keys, values, sinks and a mask that do not fit queries of a shape [b, heads, l, d].
void check(const char* op, const mx::Shape& q, const std::vector<mx::array>& keys,
           const std::vector<mx::array>& values, const std::optional<mx::array>& sinks,
           const std::optional<mx::array>& mask, const How& h);

// The arrays that stand behind mlx-c's handle.
std::vector<mx::array> arrays_of(mlx_vector_array v);

}  // namespace gomlx
