// What the primitives of libgomlx have in common.
//
// A primitive is a class over mlx::core::UnaryPrimitive (or Primitive, where it
// has several outputs) with
//   eval_cpu        allocates the output and dispatches the kernel to the stream's
//                   queue. MLX keeps the inputs until the task has run; what else
//                   the task reads must be given to the encoder (readable does).
//   eval_gpu        fails: an operation here refuses streams that are not a CPU's
//   vjp, jvp, vmap  by operations of MLX or of our own; MLX's default refuses
//   is_equivalent   whether two of them with the same inputs give the same
//   output_shapes   for graphs that are compiled without shapes
// and its C function checks every shape and dtype before it makes a node, for a
// kernel checks nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// The library exports the functions of its header, and nothing else.
#pragma GCC visibility push(default)
#include "gomlx.h"
#pragma GCC visibility pop
#include "kernels.h"
#include "mlx/array.h"
#include "mlx/primitives.h"

namespace gomlx {

namespace mx = mlx::core;

// The kernels' name of a dtype; an error for one that is no float of theirs.
cpu::Type type_of(const char* op, const mx::array& a);

// Refuses streams of a GPU.
void require_cpu(const char* op, mx::Stream s);

// Where the bytes of a's elements begin.
const void* bytes(const mx::array& a);

// The rows of x [..., k] in memory: element j of row i stands at i*stride + j.
struct Rows {
  mx::array x;
  int64_t count, width, stride;

  cpu::Activations activations(bool exact = true) const;
};

// x as rows: where it lies, or a copy that the stream's tasks make.
Rows rows(const mx::array& x, mx::Stream s);

// A copy of a in order, which the stream's tasks make.
mx::array copied(const mx::array& a, mx::Stream s);

// a itself where its elements follow each other in order, else a copy that the
// stream's tasks make.
mx::array readable(const mx::array& a, mx::Stream s);

// Memory for a's elements, in order.
void allocate(mx::array& a);

// Runs task on the stream's queue.
void dispatch(mx::Stream s, std::function<void()> task);

// While one is there, the thread's tasks are put aside in it instead.
class Aside {
 public:
  Aside();
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // What was put aside so far.
  std::vector<std::function<void()>> take() { return std::exchange(tasks_, {}); }

 private:
  friend void dispatch(mx::Stream s, std::function<void()> task);
  std::vector<std::function<void()>> tasks_;
};

// What stands behind mlx-c's handles. The optional array of a null one is none.
const mx::array& array_of(mlx_array a);
std::optional<mx::array> optional_of(mlx_array a);
mx::Stream stream_of(mlx_stream s);

// Calls fn for a C function: its error goes to mlx-c's handler.
int guarded(const std::function<void()>& fn);

// Sets *res, a result of a C function, to an array, or to several.
void set(mlx_array* res, mx::array a);
void set(mlx_vector_array* res, std::vector<mx::array> all);

// Sets *res to a new node, the result of a C function.
int made(mlx_array* res, const std::function<mx::array()>& make);

// Sets *res to a text, the result of a C function.
int told(mlx_string* res, const std::string& text);

// A primitive without a kernel for a GPU.
class CPUPrimitive : public mx::UnaryPrimitive {
 public:
  using UnaryPrimitive::UnaryPrimitive;

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override { require_cpu(name(), stream()); }
};

// The gradients of an operation of MLX that computes the same: y is its result for
// inputs of its own order, argnums name them, and like has their dtypes.
std::vector<mx::array> gradients(const mx::array& y, const std::vector<mx::array>& cotangents,
                                 const std::vector<int>& argnums, const std::vector<mx::array>& like);

// Moves the batch of a vmap over x, the first input, to the front; a batch of the
// others is refused.
mx::array batched(const char* op, const mx::array& x, const std::vector<int>& axes, mx::Stream s);

// An error in MLX's style: "[op] what".
[[noreturn]] void refuse(const char* op, const std::string& what);

// "(2, 3)", for errors.
std::string text(const mx::Shape& shape);

}  // namespace gomlx
