#include <stdint.h>
#include <stdio.h>

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

int mlx_fast_rms_norm(mlx_array* res, const mlx_array x, float eps, const mlx_stream s);
int mlx_fast_rope(mlx_array* res, const mlx_array x, int dims, const mlx_stream s);
int mlx_load(mlx_array* res, const char* file, const mlx_stream s);
int mlx_random_key(mlx_array* res, uint64_t seed);
int mlx_random_seed(uint64_t seed);
void mlx_print_graph(FILE* os, const mlx_array a);
void _mlx_error(const char* file, const int line, const char* fmt, ...);
