#include <stdbool.h>
#include <stddef.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

typedef enum mlx_dtype_ {
  MLX_BOOL,
  MLX_BFLOAT16,
} mlx_dtype;

typedef enum mlx_fft_norm_ {
  MLX_FFT_NORM_BACKWARD,
  MLX_FFT_NORM_ORTHO,
} mlx_fft_norm;

typedef enum mlx_compile_mode_ { MLX_COMPILE_MODE_DISABLED } mlx_compile_mode;

int mlx_fft(mlx_array* res, const mlx_array a, int n, mlx_fft_norm norm, const mlx_stream s);
int mlx_astype(mlx_array* res, const mlx_array a, mlx_dtype dtype, const mlx_stream s);
int mlx_set_compile_mode(mlx_compile_mode mode);
int mlx_get_compile_mode(mlx_compile_mode* mode);
mlx_compile_mode mlx_default_compile_mode(void);
