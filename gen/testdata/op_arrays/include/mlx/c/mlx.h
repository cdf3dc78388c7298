#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

int mlx_linalg_qr(mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s);

/** Out parameters need not come first. */
int mlx_divmod(const mlx_array a, const mlx_array b, mlx_array* quotient, mlx_array* remainder, const mlx_stream s);
