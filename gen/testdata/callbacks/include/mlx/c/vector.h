#ifndef VECTOR_H
#define VECTOR_H

#include <stddef.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_vector_array_ {
  void* ctx;
} mlx_vector_array;

mlx_vector_array mlx_vector_array_new(void);
mlx_vector_array mlx_vector_array_new_data(const mlx_array* data, size_t size);
int mlx_vector_array_free(mlx_vector_array vec);

#endif
