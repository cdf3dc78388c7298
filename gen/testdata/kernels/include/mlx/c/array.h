#ifndef ARRAY_H
#define ARRAY_H

#include <stddef.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

int mlx_exp(mlx_array* res, const mlx_array a, const mlx_stream s);

#endif
