#include <stdbool.h>
#include <stddef.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

typedef enum mlx_dtype_ { MLX_BOOL, MLX_FLOAT32 } mlx_dtype;

typedef struct mlx_optional_int_ {
  int value;
  bool has_value;
} mlx_optional_int;

typedef struct mlx_optional_float_ {
  float value;
  bool has_value;
} mlx_optional_float;

typedef struct mlx_optional_dtype_ {
  mlx_dtype value;
  bool has_value;
} mlx_optional_dtype;

int mlx_clip(
    mlx_array* res,
    const mlx_array a,
    const mlx_array a_min /* may be null */,
    const mlx_array a_max /* may be null */,
    const mlx_stream s);
int mlx_norm(
    mlx_array* res,
    const mlx_array a,
    const int* axis /* may be null */,
    size_t axis_num,
    const char* ord /* may be null */,
    const mlx_stream s);
int mlx_quantize(
    mlx_array* res,
    const mlx_array w,
    mlx_optional_int bits,
    mlx_optional_float base,
    mlx_optional_dtype dtype,
    const mlx_stream s);
bool mlx_has_backend(const char* name /* may be null */);
