#ifndef OPS_H
#define OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

/** Two handles. */
int mlx_matmul(mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/** A list of numbers that comes last is variadic for Scope. */
int mlx_transpose_axes(mlx_array* res, const mlx_array a, const int* axes, size_t axes_num, const mlx_stream s);

/** Two lists are not; a keyword of Go as a name. */
int mlx_pad(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const int64_t* range,
    size_t range_num,
    const char* mode,
    const mlx_stream s);

/** Every kind of number. */
int mlx_sum(mlx_array* res, const mlx_array a, int axis, bool keepdims, float eps, double scale, uint64_t n, const mlx_stream s);

#endif
