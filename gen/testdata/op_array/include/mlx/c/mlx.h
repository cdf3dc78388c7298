#include "mlx/c/ops.h"
