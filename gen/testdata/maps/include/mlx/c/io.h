#include "mlx/c/map.h"

int mlx_load_safetensors(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    const char* file,
    const mlx_stream s);
int mlx_save_safetensors(const char* file, const mlx_map_string_to_array param, const mlx_map_string_to_string metadata);
int mlx_keys(mlx_vector_string* res, const char* file);
int mlx_touch(const mlx_vector_string files);
