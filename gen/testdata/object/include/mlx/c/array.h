#ifndef MLX_ARRAY_H
#define MLX_ARRAY_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __aarch64__
#include <arm_fp16.h>
typedef __fp16 float16_t;
#define HAS_FLOAT16
#endif

typedef float _Complex mlx_complex64_t;

typedef struct mlx_string_ {
  void* ctx;
} mlx_string;

typedef enum mlx_dtype_ {
  MLX_BOOL,
  MLX_UINT16,
  MLX_FLOAT16,
  MLX_FLOAT32,
  MLX_COMPLEX64,
} mlx_dtype;

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

mlx_string mlx_string_new(void);
const char* mlx_string_data(mlx_string str);
int mlx_string_free(mlx_string str);

/** Constructors. */
mlx_array mlx_array_new(void);
mlx_array mlx_array_new_bool(bool val);
mlx_array mlx_array_new_data(const void* data, const int* shape, int dim, mlx_dtype dtype);
int mlx_array_free(mlx_array arr);

/** Setters. */
int mlx_array_set(mlx_array* arr, const mlx_array src);
int mlx_array_set_bool(mlx_array* arr, bool val);

/** Pointers. */
const int* mlx_array_shape(const mlx_array arr);
const size_t* mlx_array_strides(const mlx_array arr);
const float* mlx_array_data_float32(const mlx_array arr);
const uint16_t* mlx_array_data_uint16(const mlx_array arr);

/** Values. */
size_t mlx_array_size(const mlx_array arr);
size_t mlx_array_ndim(const mlx_array arr);
int mlx_array_dim(const mlx_array arr, int dim);
mlx_dtype mlx_array_dtype(const mlx_array arr);

/** Read through a pointer. */
int mlx_array_item_bool(bool* res, const mlx_array arr);
int mlx_array_item_uint16(uint16_t* res, const mlx_array arr);
int mlx_array_item_float32(float* res, const mlx_array arr);
int mlx_array_item_complex64(mlx_complex64_t* res, const mlx_array arr);
#ifdef HAS_FLOAT16
int mlx_array_item_float16(float16_t* res, const mlx_array arr);
const float16_t* mlx_array_data_float16(const mlx_array arr);
#endif
int mlx_array_tostring(mlx_string* str, const mlx_array arr);

/** Statuses. */
int mlx_array_eval(mlx_array arr);
int _mlx_array_wait(const mlx_array arr);

#endif
