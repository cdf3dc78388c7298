#include "mlx/c/closure.h"

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

int mlx_checkpoint(mlx_closure* res, const mlx_closure fun);

/** An operation, but one that runs Go code: no nocallback. */
int mlx_apply_now(mlx_array* res, const mlx_closure fun, const mlx_array a, const mlx_stream s);
