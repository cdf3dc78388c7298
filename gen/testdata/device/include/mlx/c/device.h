#ifndef MLX_DEVICE_H
#define MLX_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "mlx/c/string.h"

typedef struct mlx_device_ {
  void* ctx;
} mlx_device;

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

typedef struct mlx_vector_stream_ mlx_vector_stream;

typedef enum mlx_device_type_ { MLX_CPU, MLX_GPU } mlx_device_type;

mlx_device mlx_device_new_type(mlx_device_type type, int index);
void mlx_device_free(mlx_device dev);
bool mlx_device_equal(mlx_device lhs, mlx_device rhs);
int mlx_device_get_index(int* index, mlx_device dev);
int mlx_device_get_type(mlx_device_type* type, mlx_device dev);
int mlx_device_get_name(const char** name, mlx_device dev);
int mlx_device_tostring(mlx_string* str, mlx_device dev);
int mlx_device_is_available(bool* avail, mlx_device dev);

int mlx_get_default_device(mlx_device* dev);
int mlx_set_default_device(mlx_device dev);

mlx_stream mlx_default_cpu_stream_new(void);
int mlx_stream_free(mlx_stream stream);
int mlx_stream_get_device(mlx_device* dev, mlx_stream stream);
int mlx_get_default_stream(mlx_stream* stream, mlx_device dev);

#endif
