#include "mlx/c/array.h"
