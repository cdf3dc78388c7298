#include "mlx/c/vector.h"

int mlx_split(mlx_vector_array* res, const mlx_array a, int num_splits, int axis, const mlx_stream s);
int mlx_concatenate(mlx_array* res, const mlx_vector_array arrays, const mlx_stream s);

/** No stream: nothing is computed. */
int mlx_sizes(mlx_vector_int* res, const mlx_vector_array arrays);
