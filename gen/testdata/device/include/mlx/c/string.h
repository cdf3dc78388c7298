#ifndef MLX_STRING_H
#define MLX_STRING_H

typedef struct mlx_string_ {
  void* ctx;
} mlx_string;

mlx_string mlx_string_new(void);
int mlx_string_free(mlx_string str);

#endif
