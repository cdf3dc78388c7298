// Included before each file of mlx-c but error.cpp. mlx-c hands MLX's messages
// to a printf: one that came from a file, such as an unknown dtype "%n", would
// be read as a format and end the process.
#if defined(__cplusplus) && !defined(GOMLX_DEFINES_ERROR)
#include "mlx/c/error.h"
#define _mlx_error(file, line, message) (_mlx_error)(file, line, "%s", message)
#endif
