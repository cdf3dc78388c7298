#include "mlx/c/array.h"

/** An operation of ours. */
int own_cpu_exp(mlx_array* res, const mlx_array a, const mlx_stream s);

int own_threads(int* res);
