#include <stddef.h>

int mlx_clear_cache(void);
int mlx_get_peak_memory(size_t* res);
int mlx_set_cache_limit(size_t* res, size_t limit);
int mlx_get_pressure(double* res);
float mlx_get_load(void);
