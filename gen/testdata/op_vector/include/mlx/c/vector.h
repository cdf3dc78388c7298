#ifndef VECTOR_H
#define VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

typedef struct mlx_vector_array_ {
  void* ctx;
} mlx_vector_array;

/** The helpers of the bindings need these of a vector. */
mlx_vector_array mlx_vector_array_new(void);
mlx_vector_array mlx_vector_array_new_data(const mlx_array* data, size_t size);
int mlx_vector_array_free(mlx_vector_array vec);

typedef struct mlx_vector_int_ {
  void* ctx;
} mlx_vector_int;

mlx_vector_int mlx_vector_int_new(void);

/** The data is an input though it lacks the const. */
mlx_vector_int mlx_vector_int_new_data(int* data, size_t size);
int mlx_vector_int_free(mlx_vector_int vec);
size_t mlx_vector_int_size(mlx_vector_int vec);

#endif
