/* The operations of libgomlx: our own kernels for a CPU (native/cpu) as primitives
 * of MLX, in the manner of mlx-c. The library is optional: where it lacks, or was
 * built for another MLX or another version of this file, callers use MLX's own
 * operations.
 *
 * To add an operation: declare it here, with its arrays' shapes; write its class
 * and the function beside the others in native/primitives, whose support.h tells
 * how; add the file to native/CMakeLists.txt; document it in gen/docs/gomlx.txt;
 * run `make generate`, which makes of gomlx_cpu_name the function
 * bindings.CPUName and the method Scope.CPUName; give it rows in
 * runtime/cpukernels_test.go. Scope.CPUKernels tells whether it may be called.
 */
#ifndef GOMLX_H
#define GOMLX_H

#include "mlx/c/array.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the library was built for: MLX's version, a blank and the SHA-256 of this file. */
int gomlx_built_for(mlx_string* str_);

/** The instruction set that the kernels run with: avx512, avx2, neon or generic. */
int gomlx_cpu_isa(mlx_string* str_);

/** The threads that the kernels work with. */
int gomlx_cpu_threads(int* res);

/** Computes arrays as mlx_eval does, or mlx_async_eval: the thread works with the kernels' while it waits. */
int gomlx_cpu_eval(const mlx_vector_array outputs, bool async);

/** Computes an array, if nobody has yet, and waits for it in this way. */
int gomlx_cpu_wait(const mlx_array arr);

/** x [..., k] times the transpose of a matrix [n, k] that is packed as MLX does; unless exact, x is rounded to 16 bits first, where there is a kernel for these.
 * In mode affine, biases may lack, and scales and biases be of two levels: uint8 [n, k / 256 * (2 + 256 / group_size)]. */
int gomlx_cpu_quantized_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    int group_size,
    int bits,
    const char* mode,
    bool exact,
    const mlx_stream s);

/** The matrix [..., n, k] that is packed so, as float32. */
int gomlx_cpu_dequantize(
    mlx_array* res,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    int group_size,
    int bits,
    const char* mode,
    const mlx_stream s);

/** x [..., k] times the transpose of w [n, k]. */
int gomlx_cpu_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_stream s);

/** x [..., m, k] times the transpose of one of the packed matrices [e, n, k] for each index; exact as above. */
int gomlx_cpu_gather_quantized_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    const mlx_array indices,
    int group_size,
    int bits,
    const char* mode,
    bool exact,
    const mlx_stream s);

/** x [..., m, k] times the transpose of one of the matrices w [e, n, k] for each index. */
int gomlx_cpu_gather_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array indices,
    const mlx_stream s);

/** x [..., d] over its root mean square, times a weight [d]. */
int gomlx_cpu_rms_norm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array weight /* may be null */,
    float eps,
    const mlx_stream s);

/** x + plus [..., d], and the sum over its root mean square, times a weight [d]. */
int gomlx_cpu_add_rms_norm(
    mlx_array* sum,
    mlx_array* normed,
    const mlx_array x,
    const mlx_array plus,
    const mlx_array weight /* may be null */,
    float eps,
    const mlx_stream s);

/** An activation of a gate, times what passes it: silu, gelu_tanh, or silu_oai with alpha and limit.
 * Without up the gate is the first half of each row, and what passes it the second. */
int gomlx_cpu_gated(
    mlx_array* res,
    const mlx_array gate,
    const mlx_array up /* may be null */,
    const char* activation,
    float alpha,
    float limit,
    const mlx_stream s);

/** x [b, h, l, d] with its first dims features turned by angles of every position. */
int gomlx_cpu_rope(
    mlx_array* res,
    const mlx_array x,
    const mlx_array cos,
    const mlx_array sin,
    int dims,
    bool traditional,
    const mlx_stream s);

/** Attention of queries [b, heads, l, d] over the first keys and values in buffers. */
int gomlx_cpu_attention(
    mlx_array* res,
    const mlx_array queries,
    const mlx_vector_array keys,
    const mlx_vector_array values,
    int length,
    int window,
    float scale,
    float softcap,
    const mlx_array sinks /* may be null */,
    const mlx_array mask /* may be null */,
    int group_size,
    const mlx_stream s);

/** Attention of one token of each sequence, whose queries, keys and values stand side by side
 * [b, (heads + kv) d + kv dv]: normed by weights [d], turned by angles [1, d] or [b, 1, 1, d], and
 * the keys and values written into buffers at a place. Its results are [b, heads dv], and the
 * buffers as they are then. */
int gomlx_cpu_attend_token(
    mlx_vector_array* res,
    const mlx_array qkv,
    const mlx_vector_array keys,
    const mlx_vector_array values,
    const mlx_array q_norm /* may be null */,
    const mlx_array k_norm /* may be null */,
    float eps,
    const mlx_array cos /* may be null */,
    const mlx_array sin /* may be null */,
    int dims,
    bool traditional,
    int heads,
    int at,
    int length,
    int window,
    float scale,
    float softcap,
    const mlx_array sinks /* may be null */,
    const mlx_array mask /* may be null */,
    int group_size,
    const mlx_stream s);

/** The place of the greatest number of each row [..., n]. */
int gomlx_cpu_argmax(mlx_array* res, const mlx_array x, const mlx_stream s);

/** Arrays of the shapes and dtypes of others, side by side in memory that nobody has set. */
int gomlx_cpu_rooms(mlx_vector_array* res, const mlx_vector_array like, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
